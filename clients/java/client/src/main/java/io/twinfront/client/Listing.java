package io.twinfront.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.Status;
import io.twinfront.client.errors.TwinfrontException;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * All that a call lists, page by page, each fetched when it is asked for. Iterating throws what the call throws, and each
 * iteration begins anew.
 *
 * <pre>{@code
 * for (Relationship relationship : Listing.items(
 *         client.relationships()::listRelationships, request, ListRelationshipsResponse::getRelationshipsList)) { … }
 * }</pre>
 *
 * @param <T> the type of what is listed
 */
public final class Listing<T> implements Iterable<T> {
    private final Supplier<Iterator<T>> iterators;

    private Listing(Supplier<Iterator<T>> iterators) {
        this.iterators = iterators;
    }

    /**
     * Gives the answers to a request that lists, from its {@code page_token} on. Page tokens that lead in a circle are an
     * error.
     *
     * @param <ReqT> the type of the request
     * @param <PageT> the type of the answer
     * @param list the call, such as {@code client.models()::listModels}
     * @param request the request for the first page
     * @return the answers, one for each page
     */
    public static <ReqT extends Message, PageT extends Message> Listing<PageT> pages(
            Function<? super ReqT, PageT> list, ReqT request) {
        return new Listing<>(() -> new PageIterator<>(list, request));
    }

    /**
     * Gives the items of all pages.
     *
     * @param <ReqT> the type of the request
     * @param <PageT> the type of the answer
     * @param <ItemT> the type of the items
     * @param list the call, such as {@code client.models()::listModels}
     * @param request the request for the first page
     * @param items gives the items of an answer, such as {@code ListModelsResponse::getModelsList}
     * @return the items
     */
    public static <ReqT extends Message, PageT extends Message, ItemT> Listing<ItemT> items(
            Function<? super ReqT, PageT> list, ReqT request, Function<? super PageT, List<ItemT>> items) {
        Listing<PageT> pages = pages(list, request);
        return new Listing<>(
                () -> pages.stream().flatMap(page -> items.apply(page).stream()).iterator());
    }

    /** {@return all of it, as an iterator} */
    @Override
    public Iterator<T> iterator() {
        return iterators.get();
    }

    /** {@return all of it, as a stream} */
    public Stream<T> stream() {
        return StreamSupport.stream(spliterator(), false);
    }

    private static final class PageIterator<ReqT extends Message, PageT extends Message> implements Iterator<PageT> {
        private final Function<? super ReqT, PageT> list;
        private final Circle tokens;
        private ReqT next; // null after the last page
        private boolean isCircle;

        PageIterator(Function<? super ReqT, PageT> list, ReqT request) {
            this.list = list;
            this.next = request;
            this.tokens = new Circle(text(request, "page_token"));
        }

        @Override
        public boolean hasNext() {
            return next != null;
        }

        @Override
        public PageT next() {
            if (next == null) {
                throw new NoSuchElementException();
            }
            if (isCircle) {
                throw TwinfrontException.from(
                        Status.INTERNAL.withDescription("The server's page tokens lead in a circle."), null);
            }
            PageT page = list.apply(next);
            String token = text(page, "next_page_token");
            next = token.isEmpty() ? null : following(next, token);
            isCircle = !token.isEmpty() && tokens.closesAt(token);
            return page;
        }

        private static String text(Message message, String field) {
            return (String) message.getField(message.getDescriptorForType().findFieldByName(field));
        }

        @SuppressWarnings("unchecked") // the builder of a message builds messages of the same type
        private static <ReqT extends Message> ReqT following(ReqT request, String token) {
            FieldDescriptor field = request.getDescriptorForType().findFieldByName("page_token");
            return (ReqT) request.toBuilder().setField(field, token).build();
        }
    }
}
