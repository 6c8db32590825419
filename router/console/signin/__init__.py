"""How staff sign in: passwords, second factors, single sign-on, sessions."""
