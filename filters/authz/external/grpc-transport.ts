// `envoy.service.auth.v3.Authorization/Check`.

import {
  Bytes,
  ConfigObject,
  Duration,
  GrpcMethod,
  GrpcReply,
  GrpcService,
  GrpcStatus,
  Status,
} from "proxy-wasm-assemblyscript-sdk";
import { Answer, Verdict } from "./answer";
import { Check } from "./check";
import { writeCheckRequest } from "./protocol/check-request";
import { readCheckResponse } from "./protocol/check-response";
import { Question, Transport } from "./transport";

export class GrpcTransport extends Transport {
  private method: GrpcMethod;
  private extensions: string[] = [];

  /**
   * @param object `grpc` of an authorizer.
   * @param authorizer The object around it.
   */
  constructor(
    object: ConfigObject,
    authorizer: ConfigObject,
    private headers: string[] | null,
  ) {
    super();
    const service = GrpcService.cluster(object.string("cluster"), object.stringOr("authority", ""));
    this.method = new GrpcMethod(service, "envoy.service.auth.v3.Authorization", "Check");
    const extensions = authorizer.objectOrNull("contextExtensions");
    if (extensions !== null) {
      const names = extensions.names();
      for (let i = 0; i < names.length; ++i) {
        this.extensions.push(names[i]);
        this.extensions.push(extensions.stringOr(names[i], ""));
      }
    }
  }

  prepare(): Question {
    return new GrpcQuestion(this.method, writeCheckRequest(this.extensions, this.headers).copy());
  }
}

class GrpcQuestion extends Question {
  constructor(
    private method: GrpcMethod,
    private message: Uint8Array,
  ) {
    super();
  }

  ask(check: Check, timeout: i64): Status {
    return this.method.timeout(Duration.milliseconds(timeout)).call(new CheckReply(check), Bytes.of(this.message));
  }
}

class CheckReply extends GrpcReply {
  constructor(private check: Check) {
    super();
  }

  onMessage(message: Bytes): void {
    this.check.answered(readCheckResponse(message));
  }

  /**
   * Only what tells that the service could not be reached, or not in time, is no answer. All else is one: a service that chokes on a
   * request of a client's making must not be a way in.
   */
  onFailure(status: GrpcStatus, message: string): void {
    if (status == GrpcStatus.Unavailable || status == GrpcStatus.DeadlineExceeded || status == GrpcStatus.Canceled) {
      this.check.failed();
    } else {
      this.check.answered(new Answer(Verdict.Bad));
    }
  }
}
