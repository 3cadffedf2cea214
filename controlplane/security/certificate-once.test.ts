import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerInterceptingCall } from "@grpc/grpc-js";
import type { AuthContext } from "@grpc/grpc-js/build/src/auth-context.js";
import { readsCertificateOnce } from "./certificate-once.ts";

type Call = Parameters<typeof readsCertificateOnce>[1];

test("all that ask for a call's certificate get it from one reading", () => {
  let readings = 0;
  class Connection extends ServerInterceptingCall {
    override getAuthContext(): AuthContext {
      readings += 1;
      return { transportSecurityType: "ssl" };
    }
  }
  const method = { path: "/a/b" } as Parameters<typeof readsCertificateOnce>[0];
  // Nothing but the certificate is asked for.
  const call = readsCertificateOnce(method, new Connection({} as Call));
  const later = new ServerInterceptingCall(new ServerInterceptingCall(call));
  assert.equal(later.getAuthContext(), call.getAuthContext());
  assert.equal(later.getAuthContext().transportSecurityType, "ssl");
  assert.equal(readings, 1);
  assert.equal(
    readsCertificateOnce(method, new Connection({} as Call)).getAuthContext() === call.getAuthContext(),
    false,
  );
  assert.equal(readings, 2);
});
