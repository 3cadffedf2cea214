// What this page shows to say who uses it. It is no cookie: a browser sends cookies to every port of a host, and for every page.

const KEY = "meshwright-token";
/** Where `meshwright dashboard` gives a key once for a token that holds as long as it runs. */
const ENTER = "/enter";

/** Takes the key that stands in the page's address, if there is one, and removes it there. */
export async function enter(): Promise<void> {
  const key = /^#key=([\w-]{20,})$/.exec(location.hash)?.[1];
  if (key === undefined) return;
  history.replaceState(null, "", location.pathname);
  const response = await fetch(ENTER, { method: "POST", headers: { authorization: `Bearer ${key}` } });
  if (!response.ok) return;
  const { token } = (await response.json()) as { token?: unknown };
  if (typeof token === "string") keepToken(token, true);
}

/** @param forAllTabs whether other tabs of this browser are let in as well: a token of `meshwright dashboard` is good for no other server. */
export function keepToken(token: string, forAllTabs = false): void {
  sessionStorage.setItem(KEY, token);
  if (forAllTabs) localStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
}

/** Undefined where a certificate of the browser has to do, or nothing is asked for. */
export function token(): string | undefined {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined;
}
