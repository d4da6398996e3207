import { type DescMethod, type Message } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";

import { hasDoneNothing } from "./connection.js";
import type { TwinfrontError } from "./errors.js";
import { bearsALoss } from "./requests.js";
import { pushbackOf, type RetryBudget, Retries, type RetryPolicy, trailersOf } from "./retries.js";

/** The most attempts at a call after a reason that says that nothing was done and another attempt may succeed. */
const MOST_BY_REASON: { readonly [reason: string]: number } = {
  // begin reasons: made by clients/reasons.py; do not edit
  SERVER_DRAINING: Number.POSITIVE_INFINITY,
  UPSTREAM_UNAVAILABLE: 5,
  AUTHORIZER_UNAVAILABLE: 5,
  // end reasons
};
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
const PATIENCE_MS = 60_000;

/** How many attempts a kind of call has after a failure of a server that answers. */
interface Most {
  /** After those of the reasons above that have a bound. */
  readonly outages: number;
  /** After a lost connection. */
  readonly losses: number;
  /** After UNAVAILABLE with another reason. */
  readonly others: number;
}

const READ: Most = { outages: 1, losses: 1, others: 1 };
const WRITE: Most = { outages: 5, losses: 1, others: 1 };
const WRITE_THAT_BEARS_A_LOSS: Most = { outages: 5, losses: 5, others: 1 };
const STREAM: Most = { outages: 5, losses: 5, others: 5 };

/** What all calls of a client know of the server that they go to. */
export interface KnownServer {
  /** How much may be sent again. */
  readonly budget: RetryBudget;
  /** Whether anything is sent again. */
  readonly sendsAgain: boolean;
  /** Whether there was a server at the target: if so, it is worth waiting for. */
  wasSeen: boolean;
}

/**
 * The attempts at one call: decides after each that failed whether there is another one.
 *
 * | an attempt that …                     | has done        | is followed by another one                    |
 * | ------------------------------------- | --------------- | --------------------------------------------- |
 * | fails as the service config names     | what that says  | as often as it says                           |
 * | is told SERVER_DRAINING               | nothing         | while there is time                           |
 * | finds no connection, or a closing one | nothing         | while there is time, once the server was seen |
 * | is told that the upstream is away     | nothing         | four times                                    |
 * | loses its connection                  | all, or nothing | four times, if the call bears that            |
 * | ends with anything else               | what that says  | never                                         |
 *
 * A server that forbids another attempt (`grpc-retry-pushback-ms`) is obeyed, and one that asks to wait is waited for.
 *
 * A stream that has brought nothing is sent again as the service config says, and no more. One that is gone on with is asked
 * for from where it broke, and begins to count anew whenever it has brought something.
 *
 * A write whose answer was lost and that is refused when it is sent again may be refused for what it did itself: under an etag,
 * say, which is another one by now. So after a loss only a success counts, or an answer that the server marks as that of an
 * earlier attempt; else the call ends with the loss, unless its time ended or the caller ended it, which says as little of what
 * it has done.
 */
export class Attempts {
  /** How often the call was sent again so far. */
  repeats = 0;
  private readonly retries: Retries;
  private inARow = 0;
  private failures = 0;
  private lost: TwinfrontError | undefined; // the first of a write
  private patienceEnds = 0;

  private constructor(
    private readonly most: Most | undefined, // what the service config says, and no more
    policy: RetryPolicy | undefined,
    private readonly server: KnownServer,
  ) {
    this.retries = new Retries(policy, server.budget);
  }

  /** The attempts at a call with one answer. */
  static at(method: DescMethod, request: Message, policy: RetryPolicy | undefined, server: KnownServer): Attempts {
    const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    const ofWrite = bearsALoss(method.input, request) ? WRITE_THAT_BEARS_A_LOSS : WRITE;
    return new Attempts(isRead ? READ : ofWrite, policy, server);
  }

  /** The attempts at a stream before it has brought anything. */
  static atBeginning(policy: RetryPolicy | undefined, server: KnownServer): Attempts {
    return new Attempts(undefined, policy, server);
  }

  /** The attempts at a stream that is gone on with where it broke. */
  static atStream(server: KnownServer): Attempts {
    return new Attempts(STREAM, undefined, server);
  }

  /** Notes that a stream has brought something: from here on it may break as one does that begins. */
  getOn(): void {
    this.inARow = this.failures = 0;
  }

  /**
   * Milliseconds to wait before the next attempt.
   *
   * @param millisecondsLeft - For the whole call; `undefined` for as long as it takes.
   * @throws What the call ends with if there is no other attempt.
   */
  pauseAfter(failure: TwinfrontError, millisecondsLeft: number | undefined): number {
    this.server.wasSeen ||= showsAServer(failure);
    if (!this.server.sendsAgain || trailersOf(failure).get("twinfront-replayed") === "true") {
      throw failure;
    }
    if (this.inARow === 0) {
      this.patienceEnds = this.most === STREAM ? performance.now() + PATIENCE_MS : Number.POSITIVE_INFINITY;
    }
    const pause = this.pause(failure);
    const left = Math.min(millisecondsLeft ?? Number.POSITIVE_INFINITY, this.patienceEnds - performance.now());
    if (pause === undefined || pause >= left) {
      throw this.truth(failure);
    }
    this.repeats++;
    return pause;
  }

  private pause(failure: TwinfrontError): number | undefined {
    const isOfThePolicy = !this.most || failure.reason !== "SERVER_DRAINING";
    const retry = isOfThePolicy ? this.retries.pauseAfter(failure) : undefined;
    if (retry !== undefined || !this.most) {
      return retry;
    }
    const isFinal = pushbackOf(failure) === Number.POSITIVE_INFINITY;
    const most = isFinal ? 1 : this.mostAfter(failure, this.most);
    this.inARow++;
    this.failures += Number.isFinite(most) ? 1 : 0;
    const asked = failure.kind === "Unavailable" ? (failure.retryAfter ?? 0) : 0;
    return this.failures >= most ? undefined : Math.max(backoff(this.inARow), asked);
  }

  private mostAfter(failure: TwinfrontError, { outages, losses, others }: Most): number {
    if (failure.kind !== "Unavailable") {
      return 1;
    }
    if (failure.reason !== "") {
      const most = MOST_BY_REASON[failure.reason] ?? others;
      return Number.isFinite(most) ? Math.min(most, outages) : most;
    }
    if (foundNoConnection(failure)) {
      return this.server.wasSeen ? Number.POSITIVE_INFINITY : others;
    }
    if (this.most !== STREAM) {
      this.lost ??= failure;
    }
    return losses;
  }

  /** What is true of all attempts: that an answer was lost, once one was. */
  private truth(failure: TwinfrontError): TwinfrontError {
    return failure.kind === "DeadlineExceeded" || failure.kind === "CallCancelled" ? failure : (this.lost ?? failure);
  }
}

/** Milliseconds to wait: a random time whose bound doubles, so that writers that collided do not do so again at once. */
export function backoff(attempt: number): number {
  return Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
}

/** Tells whether a call that failed so had a connection to the server. */
function showsAServer(failure: TwinfrontError): boolean {
  return failure.callId !== "" || (failure.kind === "Unavailable" && !foundNoConnection(failure));
}

/** Tells whether a call found no connection, or one that took no more calls. */
function foundNoConnection({ cause }: TwinfrontError): boolean {
  return cause instanceof ConnectError && hasDoneNothing(cause);
}
