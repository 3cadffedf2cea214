import { ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { AuthContext } from "@grpc/grpc-js/build/src/auth-context.js";

/**
 * Reads the certificate of a call's client once: grpc-js parses it anew for whoever asks, and each that comes after this one in the chain of
 * interceptors does.
 */
export const readsCertificateOnce: ServerInterceptor = (_, call) => new KnownCall(call);

class KnownCall extends ServerInterceptingCall {
  #context: AuthContext | undefined;

  override getAuthContext(): AuthContext {
    return (this.#context ??= super.getAuthContext());
  }
}
