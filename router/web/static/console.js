// What makes the console quicker for those who have scripts; every page works without. Builds no markup out of text.
"use strict";
