# What a Varnish needs so that cdcd can clear it: join this with your own VCL.
#
#   stores = { edge = { type = "http"; url = "http://127.0.0.1:6081"; host = "www.example.org"; };
#              tags = { type = "http"; url = "http://127.0.0.1:6081"; header = "xkey-purge"; }; };
#
# PURGE of a path clears it with all its variants; PURGE with xkey-purge clears whatever was tagged
# so; BAN clears what matches. 200: something was cleared. 404: nothing was there, which cdcd counts
# as a miss.
vcl 4.1;

import purge;
import std;
import xkey;                                # Debian's varnish-modules; only for tags

backend default {
    .host = "127.0.0.1";
    .port = "8000";
}

# Where cdcd runs.
acl cdcd {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.method == "PURGE" || req.method == "BAN") {
        if (client.ip !~ cdcd) {
            return (synth(403, "Not allowed"));
        }
        if (req.http.x-cdcd-match-path || req.http.x-cdcd-match-key) {
            call cdcd_ban;
        }
        if (req.http.xkey-purge) {
            set req.http.x-cleared = xkey.purge(req.http.xkey-purge);
            call cdcd_answer;
        }
        # A page that is being made is not waited for.
        set req.hash_ignore_busy = true;
        return (hash);
    }
}

# The patterns of a scan, as expressions without blanks: one for paths, one for tags.
sub cdcd_ban {
    if (req.http.x-cdcd-match-path) {
        set req.http.x-ban = "obj.http.x-host == " + req.http.host +
            " && obj.http.x-url ~ " + req.http.x-cdcd-match-path;
    } else {
        set req.http.x-ban = "obj.http.xkey ~ " + req.http.x-cdcd-match-key;
    }
    if (!std.ban(req.http.x-ban)) {
        return (synth(400, std.ban_error()));
    }
    return (synth(200, "Banned"));
}

sub cdcd_answer {
    if (req.http.x-cleared == "0") {
        return (synth(404, "Not cached"));
    }
    return (synth(200, "Cleared"));
}

sub cdcd_purge {
    if (req.method == "PURGE" || req.method == "BAN") {
        set req.http.x-cleared = purge.hard();
        call cdcd_answer;
    }
}

sub vcl_hit {
    call cdcd_purge;
}

sub vcl_miss {
    call cdcd_purge;
}

# What is known to be never cached.
sub vcl_pass {
    if (req.method == "PURGE" || req.method == "BAN") {
        return (synth(404, "Not cached"));
    }
}

# Bans look at the object alone, so that Varnish can do them in the background.
sub vcl_backend_response {
    set beresp.http.x-host = bereq.http.host;
    set beresp.http.x-url = bereq.url;

    # <esi:include src="/block/article/7"/>, in pages that say so
    if (beresp.http.surrogate-control ~ "ESI/1.0") {
        unset beresp.http.surrogate-control;
        set beresp.do_esi = true;
    }
}

sub vcl_deliver {
    unset resp.http.x-host;
    unset resp.http.x-url;
    unset resp.http.xkey;
}
