import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { RolloutsOverview } from "../../controlplane/api/index.ts";
import { Announcements, announce } from "./announce.tsx";
import { ExperimentsPage } from "./experiments.tsx";
import { FleetPage } from "./fleet/page.tsx";
import { useFleet } from "./fleet/fleet.ts";
import { count } from "./format.ts";
import { HistoryPage } from "./history.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { LimitsPage } from "./limits.tsx";
import { useLive } from "./live.ts";
import { RejectionsPage } from "./rejections.tsx";
import { RolloutsPage } from "./rollouts/page.tsx";
import { linkTo, useRoute } from "./route.ts";
import { forgetToken, token } from "./session.ts";
import { SignIn } from "./sign-in.tsx";

/** Who uses the page. */
export interface Caller {
  readonly name: string;
  readonly role: "viewer" | "operator" | "admin";
}

const PAGES: readonly (readonly [IconName, string])[] = [
  ["fleet", "Fleet"],
  ["rollouts", "Rollouts"],
  ["rejections", "Rejections"],
  ["history", "History"],
  ["experiments", "Experiments"],
  ["limits", "Limits"],
];

export function App(): JSX.Element {
  const caller = useLive<Caller>("caller", 60_000);
  const isIn = caller.value !== undefined;
  const fleet = useFleet(isIn);
  const rollouts = useLive<RolloutsOverview>(isIn ? "rollouts?brief" : undefined, 1_000);
  const [page = "fleet", name] = useRoute();
  useNews(rollouts.value);
  useTitle(page, name);

  if (caller.error?.status === 401 || caller.error?.status === 403) return <SignIn refused={caller.error.message} />;
  if (caller.value === undefined) return <Waiting message={caller.error?.message} />;
  const lost = fleet.error ?? rollouts.error;
  const rejected = fleet.value?.rejections.reduce((sum, { sidecars }) => sum + sidecars, 0) ?? 0;
  const underWay = rollouts.value?.rollouts.filter(({ run }) => run !== null && run.endedAt === null).length ?? 0;
  const badges: Partial<Record<IconName, number>> = { rejections: rejected, rollouts: underWay };
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={toContent}>
        Skip to content
      </a>
      <header class="bar">
        <a class="brand" href={linkTo("fleet")}>
          <img src="icon.svg" alt="" width="28" height="28" />
          <span>Meshwright</span>
        </a>
        <p class="who">
          <span class={lost === undefined ? "live" : "live lost"}>{lost === undefined ? "Live" : "Not connected"}</span>
          <span class="caller" title={caller.value.name}>
            {caller.value.role}
          </span>
          {token() === undefined ? null : (
            <button class="quiet" type="button" onClick={leave}>
              Leave
            </button>
          )}
        </p>
      </header>
      <nav class="rail" aria-label="Pages">
        <ul>
          {PAGES.map(([id, title]) => (
            <li key={id}>
              <a href={linkTo(id)} aria-current={page === id ? "page" : undefined}>
                <Icon name={id} />
                <span>{title}</span>
                {(badges[id] ?? 0) > 0 ? (
                  <span class={`badge ${id}`}>
                    <span class="unseen">, </span>
                    {count(badges[id] ?? 0)}
                    <span class="unseen">{id === "rejections" ? " rejected" : " under way"}</span>
                  </span>
                ) : null}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="content" tabIndex={-1}>
        {lost === undefined ? null : (
          <p class="notice bad" role="alert">
            {lost.message}. What is shown is how it was before; it is tried again.
          </p>
        )}
        {pageOf()}
      </main>
      <Announcements />
    </div>
  );

  function pageOf(): JSX.Element {
    const role = caller.value?.role ?? "viewer";
    switch (page) {
      case "rollouts":
        return <RolloutsPage name={name} overview={rollouts.value} role={role} refresh={rollouts.refresh} />;
      case "rejections":
        return <RejectionsPage fleet={fleet.value} />;
      case "history":
        return <HistoryPage />;
      case "experiments":
        return <ExperimentsPage />;
      case "limits":
        return <LimitsPage />;
      default:
        return (
          <FleetPage fleet={fleet.value} rollouts={rollouts.value} selected={page === "fleet" ? name : undefined} />
        );
    }
  }
}

function Waiting({ message }: { readonly message: string | undefined }): JSX.Element {
  return (
    <main class="sign-in">
      <img src="icon.svg" alt="" width="56" height="56" />
      <h1>Meshwright</h1>
      <p role="status">{message === undefined ? "Connecting…" : `${message}. It is tried again.`}</p>
    </main>
  );
}

function leave(): void {
  forgetToken();
  location.reload();
}

function toContent(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function useTitle(page: string, name: string | undefined): void {
  useEffect(() => {
    const title = PAGES.find(([id]) => id === page)?.[1] ?? "Fleet";
    document.title = `${name === undefined ? "" : `${name} · `}${title} · Meshwright`;
  }, [page, name]);
}

/** Tells of what becomes of rollouts, wherever in the page one is. */
function useNews(overview: RolloutsOverview | undefined): void {
  const before = useRef(new Map<string, string>());
  useEffect(() => {
    if (overview === undefined) return;
    for (const { name, state, run } of overview.rollouts) {
      const wave = run?.waves.find((one) => one.state === "Updating" || one.state === "Baking");
      const now = `${state}${wave === undefined ? "" : `, wave ${wave.number} ${wave.state}`}`;
      const was = before.current.get(name);
      if (was !== undefined && was !== now) {
        announce(`Rollout ${name}: ${now}${run?.reason == null ? "" : `, ${run.reason.title}`}`);
      }
      before.current.set(name, now);
    }
  }, [overview]);
}
