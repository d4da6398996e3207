/**
 * The exceptions of failed calls.
 *
 * <pre>
 * TwinfrontException                     any status but OK; INTERNAL and the like are of this very class
 * ├── NotFoundException                  NOT_FOUND
 * │   ├── TwinNotFoundException
 * │   ├── RelationshipNotFoundException
 * │   ├── ComponentNotFoundException
 * │   ├── ModelNotFoundException
 * │   ├── EventRouteNotFoundException
 * │   └── JobNotFoundException
 * ├── AlreadyExistsException             ALREADY_EXISTS
 * ├── AbortedException                   ABORTED: read again, redo the change, write again
 * │   └── EtagMismatchException
 * ├── FailedPreconditionException        FAILED_PRECONDITION: something else has to be changed first
 * │   ├── TwinHasRelationshipsException
 * │   ├── TargetTwinNotFoundException
 * │   ├── ModelHasDependentsException
 * │   └── ModelDecommissionedException
 * ├── InvalidArgumentException           INVALID_ARGUMENT: the field violations say where
 * │   ├── ValidationFailedException
 * │   ├── JsonPatchInvalidException
 * │   ├── DtdlInvalidException
 * │   ├── QueryInvalidException
 * │   ├── PageTokenInvalidException
 * │   └── ResumeTokenInvalidException
 * ├── ChangesExpiredException            OUT_OF_RANGE: the log of changes no longer has what was to be told
 * ├── ResourceExhaustedException         RESOURCE_EXHAUSTED
 * │   ├── ThrottledException             try again later
 * │   └── LimitReachedException          trying again does not help
 * ├── UnavailableException               UNAVAILABLE
 * ├── DeadlineExceededException          DEADLINE_EXCEEDED
 * ├── OutcomeUnknownException            UNKNOWN: the answer to a write was lost
 * ├── CallCancelledException             CANCELLED
 * ├── UnauthenticatedException           UNAUTHENTICATED
 * ├── PermissionDeniedException          PERMISSION_DENIED
 * ├── ChangesUnsupportedException        UNIMPLEMENTED
 * └── ValidateOnlyUnsupportedException   UNIMPLEMENTED
 * </pre>
 *
 * @serial exclude
 */
package io.twinfront.client.errors;
