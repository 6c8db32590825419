// A real OpenID provider for the tests: `node provider.mjs PORT CALLBACK SECRET`. Whoever types a name is that person;
// who ticks the box came with a second factor. Says `listening` when it does.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, callback, secret] = process.argv.slice(2);
const client = { client_id: "console", client_secret: secret, redirect_uris: [callback] };
const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ ...client, response_types: ["code"], grant_types: ["authorization_code"] }],
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  cookies: { keys: [secret] },
  conformIdTokenClaims: false,
  claims: { openid: ["sub", "amr"], profile: ["groups"] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, groups: ["reviewing"] }) }),
  async loadExistingGrant(context) {
    const { client, session } = context.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile");
    await grant.save();
    return grant;
  },
});

const FORM = `<!doctype html><title>Provider</title><form method="post">
<label>Name <input name="login"></label>
<label><input type="checkbox" name="mfa" value="1"> second factor</label>
<button>Sign in over there</button></form>`;

async function interact(request, response) {
  if (request.method === "GET") {
    response.setHeader("content-type", "text/html");
    response.end(FORM);
    return;
  }
  let body = "";
  for await (const part of request) body += part;
  const typed = new URLSearchParams(body);
  const login = { accountId: typed.get("login"), amr: typed.has("mfa") ? ["pwd", "mfa"] : ["pwd"] };
  await provider.interactionFinished(request, response, { login });
}

const serve = provider.callback();
createServer((request, response) =>
  request.url.startsWith("/interaction/") ? interact(request, response) : serve(request, response),
).listen(Number(port), "127.0.0.1", () => console.log("listening"));
