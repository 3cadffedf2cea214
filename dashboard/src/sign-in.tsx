import type { JSX } from "preact";
import { keepToken, token } from "./session.ts";

/** How to get in. */
export function SignIn({ refused }: { readonly refused: string }): JSX.Element {
  return (
    <main class="sign-in">
      <img src="icon.svg" alt="" width="56" height="56" />
      <h1>Meshwright</h1>
      <p>
        {token() === undefined ? "This control plane wants to know who you are." : `You are not let in: ${refused}.`}
      </p>
      <section class="card" aria-labelledby="by-command">
        <h2 id="by-command">From a terminal</h2>
        <p>
          Run <code>meshwright dashboard</code> and open the address that it prints. It is good once; a new one is
          printed when you press Enter there.
        </p>
      </section>
      <form class="card" onSubmit={submit} autocomplete="off">
        <h2>With a token</h2>
        <label>
          Token of the API
          <input
            name="token"
            type="password"
            placeholder="mw_…"
            required
            pattern="\s*mw_[0-9a-f]{16}_[A-Za-z0-9_\-]{43}\s*"
          />
        </label>
        <button class="primary" type="submit">
          Enter
        </button>
        <p class="hint">It is kept in this tab, and forgotten with it.</p>
      </form>
    </main>
  );
}

function submit(event: SubmitEvent): void {
  event.preventDefault();
  const text = new FormData(event.currentTarget as HTMLFormElement).get("token");
  if (typeof text !== "string") return;
  keepToken(text.trim());
  location.reload();
}
