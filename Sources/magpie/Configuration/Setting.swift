// SPDX-License-Identifier: Apache-2.0

/// One setting: its environment variable, its default and what it means. The one list that the parser, the documentation and the
/// warning about unknown variables read.
struct Setting: Sendable {
    /// Behind `MAGPIE_`, or the whole of it.
    let name: String
    /// As it would be written. Empty: none.
    let fallback: String
    let meaning: String
    /// Never shown, and redacted from logs.
    var isSecret = false

    /// Known by its name alone, which others use too.
    var isShared: Bool { name.hasPrefix("R2_") }

    var variable: String { isShared ? name : "MAGPIE_" + name }
}

extension Setting {
    static let all: [Setting] = [
        Setting(name: "HOST", fallback: "127.0.0.1", meaning: "The address to listen on."),
        Setting(name: "PORT", fallback: "5000", meaning: "The TCP port to listen on."),
        Setting(name: "DATA_DIR", fallback: "./data", meaning: "Where blobs, the private PostgreSQL and generated secrets live."),
        Setting(
            name: "DATABASE_URL", fallback: "",
            meaning: "A PostgreSQL to use instead of the private one (`postgres://…`).", isSecret: true),
        Setting(name: "PUBLIC_URL", fallback: "", meaning: "The URL that clients use, when a proxy stands in front."),
        Setting(
            name: "JWT_SECRET", fallback: "",
            meaning: "Signs and verifies tokens; at least 32 bytes (48 for `HS384`, 64 for `HS512`). Generated when not given.",
            isSecret: true),
        Setting(name: "JWT_ALGORITHM", fallback: "HS256", meaning: "`HS256`, `HS384` or `HS512`: for tokens without a key id."),
        Setting(
            name: "JWT_JWKS", fallback: "", meaning: "A JSON Web Key Set with further keys (`oct`, RSA, EC, Ed25519).",
            isSecret: true),
        Setting(
            name: "ANON_KEY", fallback: "", meaning: "The token of the anonymous role. Signed when not given.", isSecret: true),
        Setting(
            name: "SERVICE_KEY", fallback: "", meaning: "The token of the service role. Signed when not given.", isSecret: true),
        Setting(name: "S3_ACCESS_KEY", fallback: "", meaning: "The access key of the S3 dialect. Generated when not given."),
        Setting(
            name: "S3_SECRET_KEY", fallback: "", meaning: "The secret key of the S3 dialect. Generated when not given.",
            isSecret: true),
        Setting(name: "S3_REGION", fallback: "us-east-1", meaning: "The region of the S3 dialect."),
        Setting(
            name: "S3_DOMAIN", fallback: "",
            meaning: "A host name of the S3 dialect's own: `bucket.domain` is then a bucket, and `domain` itself the service."),
        Setting(
            name: "MASTER_KEY", fallback: "", meaning: "Seals stored credentials; 32 bytes in base64. Generated when not given.",
            isSecret: true),
        Setting(name: "ANON_ROLE", fallback: "anon", meaning: "The database role of callers whose token names none."),
        Setting(
            name: "SERVICE_ROLE", fallback: "service_role", meaning: "The database role that row-level security does not bind."),
        Setting(
            name: "SIGN_UP", fallback: "first",
            meaning:
                "Who may make an account: `off`, `first` (whoever comes first, who runs the server from then on) or `open` (anybody)."
        ),
        Setting(
            name: "APP_SIGN_UP", fallback: "",
            meaning:
                "Who may make the account of somebody who uses an app (`/v1/auth/email/signup`): `off`, `secret` (who shows the secret key of a project) or `open` (who shows any key of one). Such accounts never run the server. Not given: `open`, but `off` with `MAGPIE_JWT_SECRET` or `MAGPIE_JWT_JWKS`, where another service may sign tokens, and admits people by its own rules."
        ),
        Setting(
            name: "ACCOUNT_PLAN", fallback: "",
            meaning: "The plan of projects that accounts make. Not given: only accounts that run the server make projects."),
        Setting(name: "SESSION_IDLE", fallback: "7d", meaning: "How long a session of an account lasts without being used."),
        Setting(name: "SESSION_LIFETIME", fallback: "30d", meaning: "How long a session of an account lasts at the most."),
        Setting(
            name: "PASSWORD_COST", fallback: "15",
            meaning:
                "What a guess at a password costs: the logarithm of scrypt's N, from 14 to 20. 15 takes 32 MiB for the time of a sign-in."
        ),
        Setting(name: "PASSWORD_HASHINGS", fallback: "2", meaning: "How many passwords are hashed at a time."),
        Setting(
            name: "SIGN_IN_ATTEMPTS", fallback: "10",
            meaning:
                "How many attempts to sign in to an account may fail in a row, and four times as many from an address; one more every 30 s and 10 s. `0`: any number."
        ),
        Setting(
            name: "CLIENT_ADDRESS_HEADER", fallback: "",
            meaning:
                "The field in which the proxy in front says whose request it is, such as `X-Forwarded-For`; the last address counts. Only where every request comes through that proxy."
        ),
        Setting(name: "UPLOAD_LIMIT", fallback: "5GiB", meaning: "The largest object."),
        Setting(
            name: "DURABILITY", fallback: "fsync",
            meaning: "`fsync`: what was acknowledged survives a power cut. `none`: it may not."),
        Setting(
            name: "UPLOAD_EXPIRY", fallback: "24h", meaning: "How long a resumable upload may take; at least `1s`."),
        Setting(
            name: "MULTIPART_EXPIRY", fallback: "7d",
            meaning: "How long an S3 upload in parts may take that no lifecycle rule speaks of; `0` for ever."),
        Setting(name: "SIGNED_UPLOAD_EXPIRY", fallback: "2h", meaning: "How long a signed upload URL lives."),
        Setting(name: "EMPTY_BUCKET_MAX", fallback: "200000", meaning: "The most objects that one call empties a bucket of."),
        Setting(name: "JSON_LIMIT", fallback: "1MiB", meaning: "The largest JSON body of a request."),
        Setting(name: "USER_METADATA_LIMIT", fallback: "1MiB", meaning: "The largest `metadata` field of an upload form."),
        Setting(name: "WATERMARK_LIMIT", fallback: "5MB", meaning: "The largest picture of a watermark."),
        Setting(name: "HEADER_LIMIT", fallback: "64KiB", meaning: "All header fields of a request together."),
        Setting(name: "TARGET_LIMIT", fallback: "16KiB", meaning: "The longest request target."),
        Setting(name: "MAX_CONNECTIONS", fallback: "10000", meaning: "The most client connections at a time."),
        Setting(
            name: "HEADER_TIMEOUT", fallback: "20s", meaning: "How long the head of a request, or a TLS handshake, may take."),
        Setting(name: "IDLE_TIMEOUT", fallback: "75s", meaning: "How long a connection may be idle between requests."),
        Setting(
            name: "BODY_TIMEOUT", fallback: "60s", meaning: "How long a client may keep the server waiting for more of a body."),
        Setting(
            name: "MIN_BODY_RATE", fallback: "512",
            meaning: "The slowest body, in bytes a second, after half a minute of waiting."),
        Setting(name: "SEND_TIMEOUT", fallback: "120s", meaning: "How long a client may take nothing of what it is sent."),
        Setting(
            name: "SHUTDOWN_TIMEOUT", fallback: "30s", meaning: "How long requests may go on after SIGTERM, and jobs behind them."
        ),
        Setting(
            name: "DATABASE_POOL", fallback: "",
            meaning: "The most database connections; two a core, at least eight, when not given."),
        Setting(name: "DATABASE_WAIT", fallback: "10s", meaning: "How long a request waits for a database connection."),
        Setting(name: "CACHE_SIZE", fallback: "128MiB", meaning: "Memory for hot objects and ready answers; 0 for none."),
        Setting(name: "CACHED_OBJECT_LIMIT", fallback: "256KiB", meaning: "The largest object kept in memory."),
        Setting(
            name: "IMAGES", fallback: "on",
            meaning: "`on`, or `off`: images are then only delivered as they are."),
        Setting(
            name: "VARIANT_CACHE", fallback: "2GiB",
            meaning: "How much of the disk rendered images may take, in `variants` of the data directory; 0 keeps none there."),
        Setting(
            name: "RENDER_WORKERS", fallback: "",
            meaning: "How many images are rendered at a time; as many as there are processors, when not given."),
        Setting(
            name: "RENDER_QUEUE", fallback: "64",
            meaning: "How many different images may wait to be rendered. Requests for more are refused at once, to be retried."),
        Setting(
            name: "RENDER_TIMEOUT", fallback: "15s",
            meaning: "How long a request waits for its image."),
        Setting(
            name: "SVG_PLACES", fallback: "2",
            meaning: "How many SVG images are drawn at a time, each by a tool of its own. They wait in a line of their own."),
        Setting(
            name: "SVG_QUEUE", fallback: "16",
            meaning:
                "How many SVG images may wait to be drawn, each for a third of `RENDER_TIMEOUT`, before more are turned away (429)."
        ),
        Setting(
            name: "SVG_TIMEOUT", fallback: "8s",
            meaning:
                "How long drawing an SVG image may take; at most half of `RENDER_TIMEOUT` counts. What took longer is not tried again for ten minutes."
        ),
        Setting(name: "SVG_MEMORY", fallback: "1GiB", meaning: "The address space of a tool that draws an SVG image."),
        Setting(name: "ASSET_IMAGE_LIMIT", fallback: "20MiB", meaning: "The largest image that is uploaded as an asset."),
        Setting(
            name: "ASSET_DOCUMENT_LIMIT", fallback: "50MiB", meaning: "The largest EPS that is uploaded as an asset or rendered."),
        Setting(
            name: "ASSET_VIDEO_LIMIT", fallback: "100MiB", meaning: "The largest video that is uploaded as an asset or rendered."),
        Setting(
            name: "ASSET_QUEUE", fallback: "256",
            meaning: "How many uploads of assets wait to be looked at before more are turned away (429)."),
        Setting(
            name: "IMAGE_SOURCE_LIMIT", fallback: "50MiB",
            meaning: "The largest file that an image is rendered of. One for each worker is in memory at a time."),
        Setting(
            name: "IMAGE_PIXELS", fallback: "100000000",
            meaning: "The most pixels of an image, those of all its frames together, that one is rendered of."),
        Setting(
            name: "IMAGE_FRAMES", fallback: "200",
            meaning: "How many frames of a moving image are read; the others are left out."),
        Setting(
            name: "IMAGE_RESULT_SIDE", fallback: "8192",
            meaning: "The longest side of a rendered image, in pixels; longer ones are made so long. At most 16383."),
        Setting(
            name: "IMAGE_SLOW_PIXELS", fallback: "8000000",
            meaning:
                "The most pixels of a result in AVIF, GIF or JPEG XL, whose encoders can't be stopped; larger ones are made smaller."
        ),
        Setting(
            name: "IMAGE_AVIF_PIXELS", fallback: "2000000",
            meaning:
                "The most pixels of a result for which AVIF is chosen where the URL names no format. It costs ten times WebP."),
        Setting(
            name: "IMAGE_JXL", fallback: "off",
            meaning: "`on` chooses JPEG XL for readers who accept it, where the URL names no format."),
        Setting(
            name: "CONVERT", fallback: "on",
            meaning: "`on`, or `off`: nothing is then made of PostScript and videos, and no pictures of SVG."),
        Setting(
            name: "SANDBOX", fallback: "required",
            meaning:
                "`required`: what converts PostScript and videos and draws SVG is shut away, or not run at all. `off`: it is not shut away."
        ),
        Setting(
            name: "CONVERT_TOOLS", fallback: "3",
            meaning:
                "How many tools that convert run at a time. One place of several is kept from jobs, and from who has the others."
        ),
        Setting(
            name: "CONVERT_QUEUE", fallback: "32",
            meaning:
                "How many conversions that somebody waits for may wait their turn; of one project a quarter of them. More are turned away (429)."
        ),
        Setting(
            name: "CONVERT_WAIT", fallback: "10s",
            meaning:
                "How long they wait for a tool to be free before they are turned away (429); `1s` to `600s`. Jobs wait as long as it takes."
        ),
        Setting(
            name: "CONVERT_TIMEOUT", fallback: "60s",
            meaning: "How long a tool may take for one step, by the clock and by the processor; `1s` to `3600s`."),
        Setting(
            name: "CONVERT_MEMORY", fallback: "1GiB",
            meaning: "The address space of each process of a tool. FFmpeg starts in 400 MiB."),
        Setting(name: "CONVERT_OUTPUT", fallback: "512MiB", meaning: "The most that one step of a tool may write."),
        Setting(
            name: "CONVERT_TOTAL", fallback: "2GiB",
            meaning: "The most that all pages, designs or drawings of a document may take together; a job that makes more fails."),
        Setting(
            name: "CONVERT_PIXELS", fallback: "100000000",
            meaning: "The most pixels of a page, which is drawn coarser than 300 dpi to keep to them, and of a video's frame."),
        Setting(
            name: "CONVERT_PAGES", fallback: "200", meaning: "The most pages of a document, and designs on one of them."),
        Setting(
            name: "DELIVERY_RATE", fallback: "0",
            meaning: "The most rendered images a second that are delivered of a bucket; 0 for any number."),
        Setting(
            name: "BKEND_ENVELOPE", fallback: "both",
            meaning:
                "How bkend's interface wraps what it answers: `wrapped` (`{\"success\":true,\"data\":…}`), `flat` (the data alone) or `both` (its fields in both places)."
        ),
        Setting(name: "COMPUTE_BUCKET", fallback: "images", meaning: "The bucket of the Compute interface."),
        Setting(
            name: "COMPUTE_API_KEY", fallback: "",
            meaning: "A static bearer token of the Compute interface, good for all its images; at least 16 characters.",
            isSecret: true),
        Setting(name: "COMPUTE_UPLOAD_LIMIT", fallback: "50MB", meaning: "The largest image that the Compute interface takes."),
        Setting(
            name: "R2_ENDPOINT_URL", fallback: "",
            meaning:
                "An S3 service whose bucket new blobs go to, together with `R2_ACCESS_KEY_ID`; this machine's disk when not given."
        ),
        Setting(name: "R2_ACCESS_KEY_ID", fallback: "", meaning: "The access key of that service."),
        Setting(name: "R2_SECRET_ACCESS_KEY", fallback: "", meaning: "Its secret key.", isSecret: true),
        Setting(name: "R2_BUCKET_NAME", fallback: "", meaning: "The bucket there, which must exist."),
        Setting(name: "R2_REGION", fallback: "auto", meaning: "The region that requests to it are signed for."),
        Setting(
            name: "R2_PUBLIC_URL", fallback: "",
            meaning: "Where a CDN serves that bucket: the Compute interface then publishes images there and redirects to them."),
        Setting(
            name: "BYOS_PRIVATE_ENDPOINTS", fallback: "off",
            meaning:
                "`on` lets projects keep their originals in services of this machine and of private networks, and without TLS."),
        Setting(
            name: "MIGRATION_PARALLEL", fallback: "8",
            meaning: "How many originals a migration from one storage to another copies at a time."),
        Setting(
            name: "MIGRATION_RATE", fallback: "0",
            meaning: "The most bytes a second that a migration copies, as `50MB`; 0 for any number."),
        Setting(
            name: "MIGRATION_GRACE", fallback: "5m",
            meaning: "How long what was migrated stays where it was, for those who are still reading it there."),
        Setting(
            name: "FILE_IMAGE_LIMIT", fallback: "10MiB",
            meaning: "The largest image that is uploaded as a file in one piece."),
        Setting(
            name: "FILE_MEDIA_LIMIT", fallback: "100MiB",
            meaning: "The largest video or sound that is uploaded as a file in one piece."),
        Setting(
            name: "FILE_DOCUMENT_LIMIT", fallback: "20MiB",
            meaning:
                "The largest document (PDF, Word, Excel, PowerPoint and the like) that is uploaded as a file in one piece."
        ),
        Setting(
            name: "FILE_OTHER_LIMIT", fallback: "50MiB",
            meaning: "The largest file of any other type that is uploaded in one piece."),
        Setting(
            name: "FILE_PARTS_LIMIT", fallback: "5GiB",
            meaning: "The largest file that is uploaded in parts, whatever its type."),
        Setting(name: "FILE_SMALLEST", fallback: "1", meaning: "The smallest file, in bytes; 0 takes empty ones."),
        Setting(
            name: "FILE_REFUSED_TYPES", fallback: "",
            meaning: "Media types that no file may have, comma-separated; `text/*` is all that begin so."),
        Setting(
            name: "FILE_TYPE_CHECK", fallback: "on",
            meaning: "`off` registers files as pictures and videos whose bytes are none."),
        Setting(name: "FILE_UPLOAD_EXPIRY", fallback: "15m", meaning: "For how long a URL to upload a file to is good."),
        Setting(
            name: "FILE_DOWNLOAD_EXPIRY", fallback: "1h",
            meaning: "For how long a URL to download a file from is good that is not everybody's."),
        Setting(
            name: "FILE_REGISTER_WITHIN", fallback: "24h",
            meaning:
                "After how long what was uploaded for a file and never registered is removed; not before its URL expires."
        ),
        Setting(name: "FILE_METADATA_LIMIT", fallback: "16KiB", meaning: "How large the metadata of a file may be, as JSON."),
        Setting(name: "FILE_SHARES", fallback: "100", meaning: "With how many users a file may be shared."),
        Setting(
            name: "UPLOAD_RATE", fallback: "100",
            meaning:
                "The most uploads a minute with each key of a project, in the dialects that take such keys; 0 for any number."
        ),
        Setting(
            name: "UPLOAD_QUEUE", fallback: "10",
            meaning: "How many uploads with a key may wait for their turn. More are refused at once, to be retried."),
        Setting(
            name: "RESPONSE_S_MAXAGE", fallback: "0",
            meaning: "Seconds of `s-maxage` on answers to conditional reads; 0 adds none."),
        Setting(
            name: "CORS_ORIGINS", fallback: "*", meaning: "The origins that browsers may call from, comma-separated, or `*`."),
        Setting(name: "SWEEP_INTERVAL", fallback: "6h", meaning: "How often leftovers of crashed uploads are looked for."),
        Setting(
            name: "ORPHAN_AGE", fallback: "1h",
            meaning: "How old a blob without a row must be to count as left over; at least `10m`."),
        Setting(
            name: "LIFECYCLE_DAY", fallback: "24h",
            meaning: "How long a day of a lifecycle rule is; any other length than 24h is for tests."),
        Setting(
            name: "JOB_WORKERS", fallback: "2",
            meaning: "How many jobs are run at a time; 0 leaves them to `magpie work` and to other servers."),
        Setting(
            name: "JOB_DOCUMENTS", fallback: "1",
            meaning: "How many jobs on documents of one project a process runs at a time; meanwhile it runs those of others."),
        Setting(name: "JOB_RETENTION", fallback: "14d", meaning: "How long jobs are kept that ended; at least `1s`."),
        Setting(
            name: "WEBHOOK_URL", fallback: "",
            meaning: "Where events are sent when objects change; no events when not given.", isSecret: true),
        Setting(name: "WEBHOOK_API_KEY", fallback: "", meaning: "The bearer token that is sent with events.", isSecret: true),
        Setting(
            name: "WEBHOOK_SECRET", fallback: "",
            meaning: "Signs events in `X-Magpie-Signature`; at least 16 bytes. No signature when not given.", isSecret: true),
        Setting(
            name: "WEBHOOK_TIMEOUT", fallback: "4s",
            meaning: "How long the receiver may take to answer; after a crash, events under way wait seven times as long."),
        Setting(
            name: "WEBHOOK_RETRY", fallback: "2s",
            meaning: "When a delivery that failed is tried again; twice as long after each further failure, up to an hour."),
        Setting(
            name: "EVENTS_MUTED", fallback: "",
            meaning: "Events not to send, comma-separated: `ObjectUpdated:Metadata`, `Webhook:ObjectRemoved:*:bucket/name`."),
        Setting(
            name: "TLS_CERTIFICATE", fallback: "", meaning: "A PEM file with the certificate chain; turns on TLS and HTTP/2."),
        Setting(name: "TLS_KEY", fallback: "", meaning: "A PEM file with the certificate's private key."),
        Setting(
            name: "LOG_LEVEL", fallback: "info", meaning: "`trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`."),
        Setting(
            name: "CONFIG", fallback: "", meaning: "A JSON file with settings by these names in lower case, without the prefix."),
    ]
}
