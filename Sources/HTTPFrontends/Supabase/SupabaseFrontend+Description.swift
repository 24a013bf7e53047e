// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension SupabaseFrontend {
    /// What is documented of this dialect, at the root; the same routes are below `/storage/v1`.
    public static let description = APIDescription(
        name: "supabase", title: "Supabase Storage",
        summary: "Buckets, objects, signed URLs and rendered images; also below /storage/v1.",
        routes: service + buckets + objects + reads + transfers + lists)

    /// As clients of this dialect compare them: the status of HTTP is nearly always 400, and the real one a text.
    private static let refused = APIRoute.Answer(
        "4XX", "Why not.",
        .json(
            .object(
                [("statusCode", .text), ("error", .text), ("message", .text), ("code", .text)],
                required: ["statusCode", "error", "message"])))

    private static func done(_ meaning: String, _ schema: APISchema = .object([("message", .text)], required: ["message"]))
        -> [APIRoute.Answer]
    {
        [.init("200", meaning, .json(schema)), refused]
    }

    private static let bucket = APISchema.object(
        [
            ("id", .text), ("name", .text), ("owner", .optional(.text)), ("public", .boolean),
            ("file_size_limit", .optional(.integer)), ("allowed_mime_types", .optional(.list(.text))),
            ("created_at", .optional(.text)),
            ("updated_at", .optional(.text)),
        ], required: ["id", "name", "public"])

    private static let bucketOptions: [(name: String, schema: APISchema)] = [
        ("public", .boolean), ("file_size_limit", .optional(.integer)), ("allowed_mime_types", .optional(.list(.text))),
    ]

    private static let service: [APIRoute] = [
        APIRoute(
            .get, "/status", "storage.status", "Says that the server is there.", needsToken: false,
            answers: [.init("200", "It is.")]),
        APIRoute(
            .get, "/version", "storage.version", "The server's version.", needsToken: false,
            answers: [.init("200", "The version.", .init("text/plain", .text))]),
        APIRoute(
            .get, "/health", "storage.health", "Whether the database answers.",
            answers: done("Whether it does.", .object([("healthy", .boolean)], required: ["healthy"]))),
        APIRoute(
            .delete, "/cdn/{path}", "storage.cdn.purge_object_cache", "Purges a CDN; there is none to purge.", answers: [refused]),
    ]

    private static let buckets: [APIRoute] = [
        APIRoute(
            .post, "/bucket", "storage.bucket.create", "Makes a bucket.",
            body: [.json(.object([("name", .text), ("id", .text)] + bucketOptions, required: ["name"]))],
            answers: done("It is made.", .object([("name", .text)], required: ["name"]))),
        APIRoute(
            .get, "/bucket", "storage.bucket.list", "Lists buckets.",
            parameters: [.init("limit"), .init("offset"), .init("sortColumn"), .init("sortOrder"), .init("search")],
            answers: done("The buckets.", .list(bucket))),
        APIRoute(.get, "/bucket/{bucket}", "storage.bucket.get", "Reads a bucket.", answers: done("The bucket.", bucket)),
        APIRoute(
            .put, "/bucket/{bucket}", "storage.bucket.update", "Changes a bucket.", body: [.json(.object(bucketOptions))],
            answers: done("It is changed.")),
        APIRoute(
            .delete, "/bucket/{bucket}", "storage.bucket.delete", "Deletes an empty bucket.", answers: done("It is gone.")),
        APIRoute(
            .post, "/bucket/{bucket}/empty", "storage.bucket.empty", "Deletes all objects of a bucket.",
            answers: done("They are gone.")),
    ]

    private static let uploadFields: [APIRoute.Parameter] = [
        .init("x-upsert", in: .header, .text, "true replaces what is there."),
        .init("x-metadata", in: .header, .text, "User metadata: JSON in base64."), .init("cache-control", in: .header),
    ]
    private static let uploadBody: [APIRoute.Content] = [.bytes, .form(file: "file")]
    private static let stored = APISchema.object([("Id", .text), ("Key", .text)], required: ["Key"])

    private static let objects: [APIRoute] = [
        APIRoute(
            .post, "/object/{bucket}/{key}", "storage.object.upload", "Stores an object.", parameters: uploadFields,
            body: uploadBody, answers: done("It is stored.", stored)),
        APIRoute(
            .put, "/object/{bucket}/{key}", "storage.object.upload_update", "Stores an object in the place of another.",
            parameters: uploadFields, body: uploadBody, answers: done("It is stored.", stored)),
        APIRoute(
            .delete, "/object/{bucket}/{key}", "storage.object.delete", "Deletes an object.", answers: done("It is gone.")),
        APIRoute(
            .delete, "/object/{bucket}", "storage.object.delete_many", "Deletes objects.",
            body: [.json(.object([("prefixes", .list(.text))], required: ["prefixes"]))],
            answers: done("Those that went.", .list(.anything))),
        APIRoute(
            .post, "/object/upload/sign/{bucket}/{key}", "storage.object.sign_upload_url", "Signs a URL to upload to.",
            body: [.json(.object([]))], isBodyRequired: false,
            answers: done("The URL.", .object([("url", .text), ("token", .text)], required: ["url", "token"]))),
        APIRoute(
            .put, "/object/upload/sign/{bucket}/{key}", "storage.object.upload_signed", "Stores an object by a signed URL.",
            parameters: [.init("token", isRequired: true)], body: uploadBody, needsToken: false,
            answers: done("It is stored.", stored)),
        APIRoute(
            .post, "/object/sign/{bucket}/{key}", "storage.object.sign", "Signs a URL to download from.",
            body: [.json(.object([("expiresIn", .integer), ("transform", .anything)], required: ["expiresIn"]))],
            answers: done("The URL.", .object([("signedURL", .text)], required: ["signedURL"]))),
        APIRoute(
            .post, "/object/sign/{bucket}", "storage.object.sign_many", "Signs URLs to download from.",
            body: [
                .json(.object([("expiresIn", .integer), ("paths", .list(.text))], required: ["expiresIn", "paths"]))
            ],
            answers: done(
                "A URL or an error for each.",
                .list(.object([("path", .text), ("error", .optional(.text)), ("signedURL", .optional(.text))])))),
    ]

    /// By what right an object is read: the word before the bucket, and the names of the two calls.
    private struct Right {
        var word: String
        var download: String
        var info: String
        var needsToken = false
        /// Quirk: but for public objects these two share the name of another call; policies compare it.
        var headOperation: String { word == "public/" ? download : "object.head_authenticated_info" }
    }

    private static let rights = [
        Right(word: "public/", download: "storage.object.get_public", info: "storage.object.info_public"),
        Right(
            word: "authenticated/", download: "storage.object.get_authenticated", info: "object.get_authenticated_info",
            needsToken: true),
        Right(word: "", download: "storage.object.get_authenticated", info: "object.get_authenticated_info"),
    ]

    private static let downloadFields: [APIRoute.Parameter] = [
        .init("download", .text, "Asks for a download by this name."), .init("range", in: .header),
    ]

    private static let bytes: [APIRoute.Answer] = [
        .init("200", "The object.", .bytes), .init("206", "A range of it.", .bytes), .init("304", "The reader has it."), refused,
    ]

    private static let token = APIRoute.Parameter("token", isRequired: true)

    private static let reads: [APIRoute] = rights.flatMap(reads(by:)) + signedReads + renders

    private static let found: [APIRoute.Answer] = [
        .init("200", "There is one."), .init("4XX", "There is none, or not for this caller."),
    ]

    private static func reads(by right: Right) -> [APIRoute] {
        let object = "/object/\(right.word){bucket}/{key}"
        let info = "/object/info/\(right.word){bucket}/{key}"
        return [
            APIRoute(
                .get, object, right.download, "Reads an object.", parameters: downloadFields, needsToken: right.needsToken,
                answers: bytes),
            APIRoute(
                .head, object, right.headOperation, "Describes an object in the fields of its answer.",
                needsToken: right.needsToken, answers: found),
            APIRoute(
                .get, info, right.info, "Describes an object.", needsToken: right.needsToken,
                answers: done("What is known of it.", .object([("id", .text), ("name", .text)]))),
            APIRoute(
                .head, info, "object.head_authenticated_info", "Says whether there is an object.",
                needsToken: right.needsToken, answers: found),
        ]
    }

    private static let signedReads: [APIRoute] = [
        APIRoute(
            .get, "/object/sign/{bucket}/{key}", "storage.object.get_signed", "Reads an object by a signed URL.",
            parameters: [token] + downloadFields, needsToken: false, answers: bytes),
        APIRoute(
            .head, "/object/sign/{bucket}/{key}", "storage.object.get_signed", "Describes an object by a signed URL.",
            parameters: [token], needsToken: false, answers: found),
    ]

    private static let renders: [APIRoute] =
        renders(by: "public", "storage.render.image_public")
        + renders(by: "authenticated", "storage.render.image_authenticated", needsToken: true)
        + renders(by: "sign", "storage.render.image_sign", [token])

    private static let renderFields: [APIRoute.Parameter] = [
        .init("width"), .init("height"), .init("resize"), .init("quality"), .init("format"),
    ]

    private static func renders(
        by word: String, _ operation: String, _ more: [APIRoute.Parameter] = [], needsToken: Bool = false
    ) -> [APIRoute] {
        let path = "/render/image/\(word)/{bucket}/{key}"
        let image: [APIRoute.Answer] = [
            .init("200", "The image.", .bytes), .init("304", "The reader has it."), refused,
        ]
        let head: [APIRoute.Answer] = [
            .init("200", "There is one."), .init("304", "The reader has it."), .init("4XX", "Why not."),
        ]
        return [
            APIRoute(
                .get, path, operation, "Renders an image.", parameters: more + renderFields, needsToken: needsToken,
                answers: image),
            APIRoute(
                .head, path, operation, "Describes a rendered image in the fields of its answer.",
                parameters: more + renderFields, needsToken: needsToken, answers: head),
        ]
    }

    private static let place: [(name: String, schema: APISchema)] = [
        ("bucketId", .text), ("sourceKey", .text), ("destinationKey", .text), ("destinationBucket", .text),
    ]

    private static let transfers: [APIRoute] = [
        APIRoute(
            .post, "/object/copy", "storage.object.copy", "Copies an object.",
            body: [.json(.object(place, required: ["bucketId", "sourceKey", "destinationKey"]))],
            answers: done("It is copied.", .object([("Key", .text)], required: ["Key"]))),
        APIRoute(
            .post, "/object/move", "storage.object.move", "Moves an object.",
            body: [.json(.object(place, required: ["bucketId", "sourceKey", "destinationKey"]))],
            answers: done("It is moved.")),
    ]

    private static let lists: [APIRoute] = [
        APIRoute(
            .post, "/object/list/{bucket}", "storage.object.list", "Lists one level of a bucket.",
            body: [
                .json(
                    .object(
                        [("prefix", .text), ("limit", .integer), ("offset", .integer), ("sortBy", .anything), ("search", .text)],
                        required: ["prefix"]))
            ], answers: done("Objects and folders.", .list(.object([("name", .text)], required: ["name"])))),
        APIRoute(
            .post, "/object/list-v2/{bucket}", "storage.object.list_v2", "Lists the keys of a bucket, page by page.",
            body: [
                .json(
                    .object([
                        ("prefix", .text), ("limit", .integer), ("cursor", .text), ("with_delimiter", .boolean),
                        ("sortBy", .anything),
                    ]))
            ],
            answers: done(
                "A page.", .object([("hasNext", .boolean), ("objects", .list(.anything)), ("folders", .list(.anything))]))),
    ]
}
