package io.twinfront.client;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusOr;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The targets {@code ipv4:192.0.2.1:443,192.0.2.2:443}, which grpc knows in other languages: servers that have no name in common.
 * A certificate has to bear the first address, unless TLS says which name.
 */
final class AddressLists extends NameResolverProvider {
    private static final String SCHEME = "ipv4";
    private static final Pattern ADDRESS = Pattern.compile("((?:\\d{1,3}\\.){3}\\d{1,3}):(\\d{1,5})");
    private static final int LESS_THAN_WHAT_OTHERS_BRING = 4;

    private AddressLists() {}

    /** Has all channels of the program take such targets. */
    static void register() {
        NameResolverRegistry.getDefaultRegistry().register(new AddressLists());
    }

    @Override
    protected boolean isAvailable() {
        return true;
    }

    @Override
    protected int priority() {
        return LESS_THAN_WHAT_OTHERS_BRING;
    }

    @Override
    public String getDefaultScheme() {
        return SCHEME;
    }

    /** Makes a resolver that knows the answer; IllegalArgumentException if the target is no such list. */
    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
        if (!SCHEME.equals(target.getScheme())) {
            return null;
        }
        String[] listed = target.getSchemeSpecificPart().split(",", -1);
        return new Listed(listed[0], Stream.of(listed).map(AddressLists::group).toList());
    }

    private static EquivalentAddressGroup group(String text) {
        Matcher parts = ADDRESS.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException(text + " is no IPv4 address with a port");
        }
        byte[] address = new byte[4];
        int at = 0;
        for (String number : parts.group(1).split("\\.")) {
            int value = Integer.parseInt(number);
            if (value > 255) {
                throw new IllegalArgumentException(text + " is no IPv4 address with a port");
            }
            address[at++] = (byte) value;
        }
        try {
            int port = Integer.parseInt(parts.group(2));
            return new EquivalentAddressGroup(new InetSocketAddress(InetAddress.getByAddress(address), port));
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e); // four bytes are an address
        }
    }

    private static final class Listed extends NameResolver {
        private final String authority;
        private final List<EquivalentAddressGroup> groups;

        Listed(String authority, List<EquivalentAddressGroup> groups) {
            this.authority = authority;
            this.groups = groups;
        }

        @Override
        public String getServiceAuthority() {
            return authority;
        }

        @Override
        public void start(Listener2 listener) {
            listener.onResult(ResolutionResult.newBuilder()
                    .setAddressesOrError(StatusOr.fromValue(groups))
                    .build());
        }

        @Override
        public void shutdown() {}
    }
}
