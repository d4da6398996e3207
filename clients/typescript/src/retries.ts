import { Code, ConnectError } from "@connectrpc/connect";

import { codeName } from "./codes.js";
import type { TwinfrontError } from "./errors.js";
import serviceConfig from "./gen/service_config.js";

/** The timeout and the retries of a method. */
export interface MethodPolicy {
  /** The default deadline; `undefined` for none. */
  readonly timeoutMs: number | undefined;
  /** When it is sent again; `undefined` for never. */
  readonly retry: RetryPolicy | undefined;
}

/** When the service config has a call sent again. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialBackoff: string;
  readonly maxBackoff: string;
  readonly backoffMultiplier: number;
  readonly retryableStatusCodes: readonly string[];
}

interface MethodConfig {
  readonly name: readonly { readonly service: string; readonly method: string }[];
  readonly timeout?: string;
  readonly retryPolicy?: RetryPolicy;
}

const METHOD_CONFIGS: readonly MethodConfig[] = serviceConfig.methodConfig;
const POLICIES: ReadonlyMap<string, MethodPolicy> = new Map(
  METHOD_CONFIGS.flatMap(({ name, timeout, retryPolicy }) => {
    const policy = { timeoutMs: timeout === undefined ? undefined : milliseconds(timeout), retry: retryPolicy };
    return name.map(({ service, method }): [string, MethodPolicy] => [`${service}/${method}`, policy]);
  }),
);
const NO_POLICY: MethodPolicy = { timeoutMs: undefined, retry: undefined };

/** The name under which servers say whether they serve. */
export const HEALTH_SERVICE = serviceConfig.healthCheckConfig.serviceName;

/** Looks a method up in the service config: `twinfront.v1.DigitalTwinService/GetDigitalTwin`. */
export function policyOf(method: string): MethodPolicy {
  return POLICIES.get(method) ?? NO_POLICY;
}

/** The budget of a connection for sending calls again (gRFC A6): failures take from it, successes give back. */
export class RetryBudget {
  private tokens: number = serviceConfig.retryThrottling.maxTokens;

  /** Notes a call that succeeded. */
  succeeded(): void {
    const { maxTokens, tokenRatio } = serviceConfig.retryThrottling;
    this.tokens = Math.min(maxTokens, this.tokens + tokenRatio);
  }

  /** Notes an attempt that failed; whether the budget allows for another one. */
  failed(): boolean {
    this.tokens = Math.max(0, this.tokens - 1);
    return this.tokens > serviceConfig.retryThrottling.maxTokens / 2;
  }
}

/** What gRPC's own retries are elsewhere (gRFC A6): has a call sent again as the service config says. */
export class Retries {
  private attempts = 1;
  private pauses = 0;

  constructor(
    private readonly policy: RetryPolicy | undefined,
    private readonly budget: RetryBudget,
  ) {}

  /** Milliseconds to wait before the call is sent again after a failure; `undefined` if it is not. */
  pauseAfter(failure: TwinfrontError): number | undefined {
    const pushback = pushbackOf(failure);
    const isForbidden = pushback === Number.POSITIVE_INFINITY;
    if (!this.isRetryable(failure) && !isForbidden) {
      return undefined;
    }
    const isAllowed = this.budget.failed() && !isForbidden;
    if (!this.policy || !isAllowed || this.attempts >= this.policy.maxAttempts) {
      return undefined;
    }
    this.attempts++;
    if (pushback !== undefined) {
      this.pauses = 0;
      return pushback;
    }
    const { initialBackoff, maxBackoff, backoffMultiplier } = this.policy;
    const pause = Math.min(milliseconds(maxBackoff), milliseconds(initialBackoff) * backoffMultiplier ** this.pauses++);
    return pause * (0.8 + 0.4 * Math.random());
  }

  private isRetryable(failure: TwinfrontError): boolean {
    const { code } = failure;
    // Without trailers it is this client that refuses the answer, as too large: it would be so again.
    const isTooLarge = code === Code.ResourceExhausted && trailersOf(failure).entries().next().done;
    return !isTooLarge && (this.policy?.retryableStatusCodes.includes(codeName(code)) ?? false);
  }
}

/**
 * When the server wants another attempt (gRFC A6), if it says so, in milliseconds from now. What is no number, or a negative
 * one, stands for never, which is infinity.
 */
export function pushbackOf(failure: TwinfrontError): number | undefined {
  const told = trailersOf(failure).get("grpc-retry-pushback-ms");
  if (told === null) {
    return undefined;
  }
  return /^\d+$/.test(told) ? Number(told) : Number.POSITIVE_INFINITY;
}

/** What the server said at the end of a call that failed. */
export function trailersOf({ cause }: TwinfrontError): Headers {
  return cause instanceof ConnectError ? cause.metadata : new Headers();
}

function milliseconds(duration: string): number {
  return Number.parseFloat(duration) * 1000;
}
