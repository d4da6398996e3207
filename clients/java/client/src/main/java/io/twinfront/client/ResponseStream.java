package io.twinfront.client;

import io.grpc.ClientCall;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.twinfront.client.errors.TwinfrontException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The messages of one streaming call. One is fetched ahead and no more, so that a caller who is slow slows down the server.
 */
final class ResponseStream<ReqT, RespT> implements CloseableIterator<RespT> {
    private final BlockingQueue<Event<RespT>> events = new LinkedBlockingQueue<>();
    private final Observer observer;
    private Event<RespT> current;

    private ResponseStream(Iterator<ReqT> requests) {
        this.observer = new Observer(requests);
    }

    static <ReqT, RespT> ResponseStream<ReqT, RespT> of(ClientCall<ReqT, RespT> call, ReqT request) {
        ResponseStream<ReqT, RespT> responses = new ResponseStream<>(null);
        ClientCalls.asyncServerStreamingCall(call, request, responses.observer);
        return responses;
    }

    static <ReqT, RespT> ResponseStream<ReqT, RespT> bidi(ClientCall<ReqT, RespT> call, Iterator<ReqT> requests) {
        ResponseStream<ReqT, RespT> responses = new ResponseStream<>(requests);
        ClientCalls.asyncBidiStreamingCall(call, responses.observer);
        return responses;
    }

    @Override
    public boolean hasNext() {
        if (current == null) {
            current = take();
        }
        if (current.failure() != null) {
            throw TwinfrontException.from(current.failure());
        }
        return current.message() != null;
    }

    @Override
    public RespT next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        RespT message = current.message();
        current = null;
        observer.call.request(1);
        return message;
    }

    @Override
    public void close() {
        observer.call.cancel("the caller has closed the stream", null);
        current = new Event<>(null, null);
    }

    private Event<RespT> take() {
        try {
            return events.take();
        } catch (InterruptedException e) {
            observer.call.cancel("the thread was interrupted", e);
            return new Event<>(null, Backoff.interrupted(e));
        }
    }

    /** A message, a failure, or with neither the end. */
    private record Event<RespT>(RespT message, Throwable failure) {}

    private final class Observer implements ClientResponseObserver<ReqT, RespT> {
        private final Iterator<ReqT> requests; // null if grpc sends the one request
        private ClientCallStreamObserver<ReqT> call;
        private boolean isHalfClosed;

        Observer(Iterator<ReqT> requests) {
            this.requests = requests;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<ReqT> startingCall) {
            call = startingCall;
            call.disableAutoRequestWithInitial(1);
            if (requests != null) {
                call.setOnReadyHandler(this::send);
            }
        }

        @Override
        public void onNext(RespT message) {
            events.add(new Event<>(message, null));
        }

        @Override
        public void onError(Throwable failure) {
            events.add(new Event<>(null, failure));
        }

        @Override
        public void onCompleted() {
            events.add(new Event<>(null, null));
        }

        private void send() {
            try {
                while (call.isReady() && !isHalfClosed) {
                    if (requests.hasNext()) {
                        call.onNext(requests.next());
                    } else {
                        isHalfClosed = true;
                        call.onCompleted();
                    }
                }
            } catch (RuntimeException e) {
                isHalfClosed = true;
                call.cancel("the requests of the caller threw an exception", e);
            }
        }
    }
}
