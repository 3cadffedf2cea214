import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const FILES = ["chromium", "chromium-browser", "google-chrome"];

function browserFile(): string | undefined {
  return FILES.find((file) => spawnSync(file, ["--version"]).status === 0);
}

/** Why there is no Chromium here; undefined when there is one. For `skip` of a test. */
export function withoutBrowser(): string | undefined {
  return browserFile() === undefined ? "chromium is not here" : undefined;
}

/** A real Chromium, with a profile of its own. */
export async function startBrowser(): Promise<Browser> {
  const file = browserFile();
  assert.ok(file !== undefined, "chromium is not here");
  const executablePath = spawnSync("which", [file]).stdout.toString().trim();
  return chromium.launch({
    executablePath,
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync"],
    ],
  });
}

/** A page that may do nothing wrong: its faults, and what it asks of others than its own server, are collected. */
export class WatchedPage {
  readonly page: Page;
  readonly faults: string[] = [];

  private constructor(page: Page, origin: string) {
    this.page = page;
    page.on("pageerror", (error) => this.faults.push(error.message));
    page.on("console", (message) => {
      // Chromium itself writes of an answer that is no success; such answers have tests of their own.
      const isFault = message.type() === "error" && !message.text().startsWith("Failed to load resource");
      if (isFault) this.faults.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${origin}/`)) this.faults.push(`asks for ${request.url()}`);
    });
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<WatchedPage> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const watched = new WatchedPage(page, new URL(url).origin);
    await page.goto(url);
    return watched;
  }

  /** Goes to a page of the dashboard, and waits for its heading. */
  async goTo(hash: string, heading: string | RegExp): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await this.page.getByRole("heading", { level: 1, name: heading }).waitFor();
  }

  /** What axe finds wrong by WCAG 2.2, levels A and AA, and by its best practices. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(axe);
    const found = await this.page.evaluate(async () => {
      const { violations } = await (
        globalThis as unknown as { axe: { run(): Promise<{ violations: readonly Violation[] }> } }
      ).axe.run();
      return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
    });
    return found;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string }[];
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
