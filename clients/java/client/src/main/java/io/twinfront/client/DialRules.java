package io.twinfront.client;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Decides which targets may be reached in the clear. */
final class DialRules {
    // An authority, as in dns://192.0.2.1/localhost, is a name server elsewhere that says where the target is.
    private static final Pattern WITH_SCHEME = Pattern.compile("(?:dns|ipv4|ipv6):(?:///)?([^/]*)");
    private static final Pattern HOST_AND_PORT = Pattern.compile("\\[(.*)](?::\\d+)?|([^:]*)(?::\\d+)?");
    private static final Pattern LOOPBACK_IPV4 = Pattern.compile("127(?:\\.\\d{1,3}){3}");

    private DialRules() {}

    /** Throws IllegalArgumentException if calls, or a token, would travel in the clear without having been allowed to. */
    static void check(String target, boolean hasTls, boolean hasToken, boolean isInsecure) {
        if (hasTls) {
            if (isInsecure) {
                throw new IllegalArgumentException("tls and insecure exclude each other");
            }
            return;
        }
        boolean isLoopback = isLoopback(target);
        if (!isLoopback && !isInsecure) {
            throw new IllegalArgumentException(
                    target + " is not on this machine: use tls, or insecure to talk in the clear");
        }
        if (!isLoopback && hasToken) {
            throw new IllegalArgumentException("a token does not travel to " + target + " in the clear: use tls");
        }
        if (hasToken && !isInsecure) {
            throw new IllegalArgumentException(
                    "a token travels in the clear only on this machine and if insecure says so: else use tls");
        }
    }

    /** Tells whether a target is on this machine for sure; no name is looked up. */
    private static boolean isLoopback(String target) {
        if (target.startsWith("unix:")) {
            return true;
        }
        Matcher scheme = WITH_SCHEME.matcher(target);
        for (String address : (scheme.matches() ? scheme.group(1) : target).split(",")) {
            if (!isLoopbackHost(hostOf(address))) {
                return false;
            }
        }
        return true;
    }

    private static String hostOf(String address) {
        Matcher parts = HOST_AND_PORT.matcher(address);
        if (!parts.matches()) {
            return address; // an IPv6 address without brackets
        }
        return parts.group(1) == null ? parts.group(2) : parts.group(1);
    }

    private static boolean isLoopbackHost(String host) {
        if (host.equals("localhost") || LOOPBACK_IPV4.matcher(host).matches()) {
            return true;
        }
        try {
            // A host with a colon is read as an IPv6 address and never looked up.
            return host.contains(":") && InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
