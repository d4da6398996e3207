import { Code, ConnectError } from "@connectrpc/connect";
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** Timers take no more, which is 24 days: later is never. Node makes a millisecond of what is more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Servers are told no more, a day: gRPC's timeouts have eight digits. */
const LONGEST_TOLD_MS = 99_999_999;

/**
 * The life of a call. Its signal is aborted when the caller, the deadline or the closing client ends the call, and once
 * it is over. Unlike `AbortSignal.any()` it leaves nothing behind at the signals that it listens to.
 */
export class CallScope {
  private readonly controller = new AbortController();
  private readonly deadline: number | undefined;
  private readonly forget: () => void;

  /** @param timeoutMs - Milliseconds to the deadline; none if `undefined` or not positive. */
  constructor(signals: readonly (AbortSignal | undefined)[], timeoutMs: number | undefined) {
    const linked = signals.filter((signal) => signal !== undefined);
    const onAbort = (event: Event) => this.abort(abortedBy(event.target as AbortSignal));
    let timer: NodeJS.Timeout | undefined;
    this.forget = () => {
      clearTimeout(timer);
      linked.forEach((signal) => signal.removeEventListener("abort", onAbort));
    };
    const aborted = linked.find((signal) => signal.aborted);
    if (aborted) {
      this.abort(abortedBy(aborted));
      return;
    }
    if (timeoutMs !== undefined && timeoutMs > 0) {
      this.deadline = performance.now() + timeoutMs;
      if (timeoutMs <= LONGEST_TIMER_MS) {
        timer = setTimeout(() => this.abort(new ConnectError("the call timed out", Code.DeadlineExceeded)), timeoutMs);
      }
    }
    setMaxListeners(0, ...linked); // as many as there are calls is no leak
    linked.forEach((signal) => signal.addEventListener("abort", onAbort));
  }

  /** Aborted with a ConnectError when the call is to end. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Whole milliseconds that are left, 1 at the least; `undefined` without a deadline, or one that is far away. */
  get millisecondsLeft(): number | undefined {
    const left = this.deadline === undefined ? undefined : Math.max(1, Math.ceil(this.deadline - performance.now()));
    return left === undefined || left > LONGEST_TOLD_MS ? undefined : left;
  }

  /** Waits for something else than the call itself; throws a ConnectError if the call ends before. */
  async during<T>(awaited: Promise<T>): Promise<T> {
    let onAbort: () => void = () => {};
    const ended = new Promise<never>((_, reject) => {
      onAbort = () => reject(abortedBy(this.signal));
      this.signal.addEventListener("abort", onAbort);
      if (this.signal.aborted) {
        onAbort();
      }
    });
    try {
      return await Promise.race([ended, awaited]);
    } finally {
      this.signal.removeEventListener("abort", onAbort);
    }
  }

  /** Ends what is still going on of the call. */
  close(): void {
    this.abort(new ConnectError("the call is over", Code.Canceled));
  }

  private abort(reason: ConnectError): void {
    this.forget();
    this.controller.abort(reason);
  }
}

/** Waits, 24 days at the most; throws a ConnectError if the signal is aborted before. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(Math.min(milliseconds, LONGEST_TIMER_MS), undefined, signal && { signal });
  } catch (error) {
    throw signal ? abortedBy(signal) : error;
  }
}

/** The error of what a signal ended: DEADLINE_EXCEEDED by `AbortSignal.timeout()`, else CANCELLED. */
function abortedBy(signal: AbortSignal): ConnectError {
  const reason: unknown = signal.reason;
  const code = reason instanceof Error && reason.name === "TimeoutError" ? Code.DeadlineExceeded : Code.Canceled;
  const message = reason instanceof Error ? reason.message : String(reason);
  return reason instanceof ConnectError ? reason : new ConnectError(message, code, undefined, undefined, reason);
}
