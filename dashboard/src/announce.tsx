import { useEffect, useState } from "preact/hooks";

// One region for all that a person who does not see the page has to hear.

let say: (text: string) => void = () => undefined;

/** Tells of a change to those who hear the page. */
export function announce(text: string): void {
  say(text);
}

export function Announcements(): preact.JSX.Element {
  const [text, setText] = useState("");
  useEffect(() => {
    say = setText;
    return () => {
      say = () => undefined;
    };
  }, []);
  return (
    <div class="unseen" role="status" aria-live="polite">
      {text}
    </div>
  );
}
