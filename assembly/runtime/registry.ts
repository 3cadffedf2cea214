// The plugins that a module offers, by root id.

import { Bytes } from "../bytes";
import { HttpContext, RootContext } from "../context";
import { logError } from "../log";
import { TcpContext } from "../tcp/context";

/** One plugin that the module offers. */
export abstract class Registration {
  constructor(readonly rootId: string) {}

  abstract createRoot(): RootContext;
}

const registrations: Registration[] = [];

export function register(registration: Registration): void {
  registrations.push(registration);
}

/**
 * Offers a plugin under a root id (`root_id` in Envoy's plugin configuration). To be called at module top level, once for
 * each root id. A module with one plugin also serves a configuration that gives no root id.
 */
export function registerRootContext(rootId: string, create: () => RootContext): void {
  registrations.push(new RootRegistration(rootId, create));
}

/** As `registerRootContext`, for a filter that has no configuration: `create` makes the context of each HTTP stream. */
export function registerHttpContext(rootId: string, create: () => HttpContext): void {
  registrations.push(new HttpRegistration(rootId, create));
}

/** As `registerHttpContext`, for a filter of TCP connections. */
export function registerTcpContext(rootId: string, create: () => TcpContext): void {
  registrations.push(new TcpRegistration(rootId, create));
}

class RootRegistration extends Registration {
  constructor(
    rootId: string,
    private create: () => RootContext,
  ) {
    super(rootId);
  }

  createRoot(): RootContext {
    return this.create();
  }
}

class HttpRegistration extends Registration {
  constructor(
    rootId: string,
    private create: () => HttpContext,
  ) {
    super(rootId);
  }

  createRoot(): RootContext {
    return new HttpRoot(this.create);
  }
}

class HttpRoot extends RootContext {
  constructor(private create: () => HttpContext) {
    super();
  }

  createHttpContext(): HttpContext | null {
    return this.create();
  }
}

class TcpRegistration extends Registration {
  constructor(
    rootId: string,
    private create: () => TcpContext,
  ) {
    super(rootId);
  }

  createRoot(): RootContext {
    return new TcpRoot(this.create);
  }
}

class TcpRoot extends RootContext {
  constructor(private create: () => TcpContext) {
    super();
  }

  createTcpContext(): TcpContext | null {
    return this.create();
  }
}

/** Stands for a plugin that the module does not have, and refuses its configuration. */
class UnknownRoot extends RootContext {
  constructor(private rootId: string) {
    super();
  }

  onConfigure(configuration: Bytes): bool {
    let known = "";
    for (let i = 0; i < registrations.length; ++i) known += `${i ? ", " : ""}"${registrations[i].rootId}"`;
    logError(`root_id: expected one of ${known}, found "${this.rootId}"`);
    return false;
  }
}

export function createRootContext(rootId: string): RootContext {
  if (rootId.length == 0 && registrations.length == 1) return registrations[0].createRoot();
  return createRegistered(rootId);
}

/** As `createRootContext`, by the root id alone. */
export function createRegistered(rootId: string): RootContext {
  for (let i = 0; i < registrations.length; ++i) {
    if (registrations[i].rootId == rootId) return registrations[i].createRoot();
  }
  return new UnknownRoot(rootId);
}
