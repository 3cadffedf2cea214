import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import { CertificateAuthority } from "../../test/support/certificates.ts";
import { Admission, type GrpcCaller } from "./admission.ts";
import { SidecarTokens, type PodIdentity } from "./sidecar-tokens.ts";

describe("who may act as a sidecar", () => {
  let authority: CertificateAuthority;
  const reviewer = { audience: "meshwright", review: () => Promise.reject<PodIdentity>(new Error("not asked")) };
  const tokens = new SidecarTokens(reviewer, { everyMs: 60_000 });
  before(async () => {
    authority = await CertificateAuthority.create("an authority");
  });
  after(() => {
    authority.remove();
    tokens.stop();
  });

  const refusal = async (path: string, admission: Admission): Promise<string | undefined> => {
    const { cert } = await authority.issue("/CN=a", [`URI:spiffe://corp/${path}`]);
    const caller = {
      getAuthContext: () => ({ sslPeerCertificate: { raw: new X509Certificate(cert).raw } }),
      metadata: new Metadata(),
    } as unknown as GrpcCaller;
    return admission.refusal({ id: "web-1.shop", cluster: "web.shop" }, caller);
  };

  test("a Service, where no sidecar has the name of a service account", async () => {
    assert.equal(await refusal("ns/default/sa/web.shop", new Admission("corp")), undefined);
    assert.match((await refusal("ns/shop/sa/web", new Admission("corp"))) ?? "", /names no sidecar/);
  });

  test("no service account, be it called as a Service is", async () => {
    const admission = new Admission("corp", tokens);
    for (const path of ["ns/default/sa/web.shop", "ns/shop/sa/web.shop", "ns/shop/sa/web"]) {
      assert.match((await refusal(path, admission)) ?? "", /names no sidecar/, path);
    }
    assert.equal(await refusal("meshwright/sidecar/web.shop/web-1.shop", admission), undefined);
  });
});
