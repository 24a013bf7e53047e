// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension PixaultAPIFrontend {
    /// What is documented of this dialect. Its delivery URLs are no routes of an interface; docs/compatibility.md has their grammar.
    public static let description = APIDescription(
        name: "pixault", title: "Pixault", summary: "Projects with a library of images, videos and documents.",
        credentials: [["X-Api-Key"], ["X-Client-Id", "X-Client-Secret"]],
        routes: catalogue + projects + library + documents + folders + settings + ownStorage + migrations)

    static let refused = APIRoute.Answer(
        "4XX", "Why not.",
        .init(
            "application/problem+json",
            .object(
                [
                    ("type", .text), ("title", .text), ("status", .integer), ("detail", .text), ("error", .text),
                    ("traceId", .text),
                ], required: ["type", "title", "status", "detail", "error"])))

    static func done(_ meaning: String, _ schema: APISchema? = nil, status: String = "200") -> [APIRoute.Answer] {
        [.init(status, meaning, schema.map { .json($0) }), refused]
    }

    private static let asset = APISchema.object(
        [
            ("imageId", .text), ("publicId", .optional(.text)), ("projectId", .text), ("originalFileName", .optional(.text)),
            ("contentType", .text), ("sizeBytes", .integer), ("width", .integer), ("height", .integer), ("isVideo", .boolean),
            ("isEps", .boolean), ("uploadedAt", .text), ("keywords", .list(.text)), ("folder", .optional(.text)),
            ("name", .optional(.text)), ("description", .optional(.text)), ("caption", .optional(.text)),
            ("category", .optional(.text)), ("author", .optional(.text)), ("thumbnailId", .optional(.text)),
        ],
        required: [
            "imageId", "projectId", "contentType", "sizeBytes", "width", "height", "isVideo", "isEps", "uploadedAt", "keywords",
        ])

    private static let plugin = APISchema.object(
        [("name", .text), ("displayName", .text), ("stage", .text), ("urlPrefix", .text)], required: ["name", "urlPrefix"])

    private static let catalogue: [APIRoute] = [
        APIRoute(
            .get, "/api/plugins", "pixault.plugins", "The catalogue of plugins.", needsToken: false,
            answers: done("The plugins.", .list(plugin))),
        APIRoute(
            .get, "/api/plugins/{plugin}", "pixault.plugins", "A plugin.", needsToken: false,
            answers: done("The plugin.", plugin)),
    ]

    private static let projects: [APIRoute] = [
        APIRoute(
            .get, "/api/{project}", "pixault.project", "The project, its plan and what it holds.", answers: done("It.", .anything)
        ),
        APIRoute(
            .get, "/api/{project}/usage", "pixault.usage", "What was used, by day.",
            parameters: [.init("from"), .init("to")], answers: done("The days.", .anything)),
    ]

    private static let upload: [APIRoute.Content] = [.form(file: "file")]
    private static let uploaded = APISchema.object(
        [
            ("imageId", .text), ("publicId", .optional(.text)), ("url", .text), ("width", .integer), ("height", .integer),
            ("size", .integer), ("isVideo", .boolean), ("isEps", .boolean), ("thumbnailId", .optional(.text)),
            ("processingJobId", .optional(.text)),
        ], required: ["imageId", "url", "width", "height", "size", "isVideo", "isEps"])

    private static let library: [APIRoute] = [
        APIRoute(
            .post, "/api/{project}/upload", "pixault.upload", "Uploads an image, a video or an EPS.",
            parameters: [.init("folder")],
            body: upload, answers: done("It is stored.", uploaded, status: "201")),
        APIRoute(
            .get, "/api/{project}/images", "pixault.assets", "Lists and searches assets, the newest first.",
            parameters: [
                .init("limit"), .init("cursor"), .init("search"), .init("category"), .init("keyword"), .init("author"),
                .init("isVideo"), .init("folder"), .init("includeDerived"),
            ],
            answers: done(
                "A page.",
                .object(
                    [
                        ("images", .list(asset)), ("nextCursor", .optional(.text)), ("totalCount", .integer),
                        ("cursor", .optional(.text)), ("hasMore", .boolean),
                    ], required: ["images", "nextCursor", "totalCount"]))),
        APIRoute(
            .post, "/api/{project}/images", "pixault.assets", "Uploads, as older clients do.", body: upload,
            answers: done("It is stored.", uploaded, status: "201")),
        APIRoute(.get, "/api/{project}/{asset}", "pixault.assets", "An asset.", answers: done("It.", asset)),
        APIRoute(
            .delete, "/api/{project}/{asset}", "pixault.assets", "Deletes an asset and what was derived of it.",
            answers: done("It is gone.", status: "204")),
        APIRoute(.get, "/api/{project}/{asset}/metadata", "pixault.assets", "An asset.", answers: done("It.", asset)),
        APIRoute(
            .patch, "/api/{project}/{asset}/metadata", "pixault.assets", "Changes metadata; null leaves a field as it is.",
            body: [.json(.object([("name", .optional(.text)), ("keywords", .optional(.list(.text)))]))],
            answers: done("The asset.", asset)),
        APIRoute(
            .get, "/api/{project}/{asset}/metadata/jsonld", "pixault.assets", "An asset in the words of Schema.org.",
            answers: [.init("200", "It.", .init("application/ld+json", .anything)), refused]),
        APIRoute(
            .post, "/api/{project}/{asset}/strip-exif", "pixault.assets", "Takes metadata out of the original.",
            answers: done("The asset.", asset)),
    ]

    static let started = APISchema.object([("jobId", .text), ("status", .text)], required: ["jobId"])

    private static let documents: [APIRoute] = [
        APIRoute(
            .get, "/api/{project}/{asset}/derived", "pixault.assets", "What was made of an asset.",
            answers: done("The assets.", .list(.anything))),
        APIRoute(
            .get, "/api/{project}/{asset}/processing-status", "pixault.assets", "The newest job on an asset.",
            answers: done("The job.", .object([("id", .text), ("status", .text)], required: ["id", "status"]))),
        APIRoute(
            .post, "/api/{project}/{asset}/split", "pixault.assets", "Has a picture made of each design on a page.",
            answers: done("It is begun.", started, status: "202")),
        APIRoute(
            .post, "/api/{project}/{asset}/extract-svg", "pixault.assets", "Has drawings made of a document.",
            answers: done("It is begun.", started, status: "202")),
    ]

    private static let folders: [APIRoute] = [
        APIRoute(.get, "/api/{project}/folders", "pixault.folders", "All folders.", answers: done("Their paths.", .list(.text))),
        APIRoute(
            .post, "/api/{project}/folders", "pixault.folders", "Makes a folder.",
            body: [.json(.object([("path", .text)], required: ["path"]))],
            answers: done("It is there.", .object([("path", .text)], required: ["path"]), status: "201")),
        APIRoute(
            .delete, "/api/{project}/folders/{path}", "pixault.folders", "Removes a folder; what lies in it moves to the root.",
            answers: done("It is gone.", status: "204")),
    ]

    private static let settings: [APIRoute] = [
        APIRoute(
            .get, "/api/{project}/transforms", "pixault.transforms", "All named transforms.",
            answers: done("They.", .list(.anything))),
        APIRoute(
            .post, "/api/{project}/transforms", "pixault.transforms", "Makes a named transform, as older clients do.",
            body: [.json(.object([("name", .text)], required: ["name"]))], answers: done("It is made.", .anything, status: "201")),
        APIRoute(
            .get, "/api/{project}/transforms/{name}", "pixault.transforms", "A named transform.", answers: done("It.", .anything)),
        APIRoute(
            .put, "/api/{project}/transforms/{name}", "pixault.transforms", "Makes or replaces a named transform.",
            body: [.json(.object([("width", .optional(.integer)), ("height", .optional(.integer))]))],
            answers: done("It.", .anything)),
        APIRoute(
            .delete, "/api/{project}/transforms/{name}", "pixault.transforms", "Deletes a named transform.",
            answers: done("It is gone.", status: "204")),
        APIRoute(
            .get, "/api/{project}/watermarks", "pixault.watermarks", "All watermarks.", answers: done("They.", .list(.anything))),
        APIRoute(
            .put, "/api/{project}/watermarks/{id}", "pixault.watermarks", "Makes or replaces a watermark.", body: [.bytes],
            answers: [.init("2XX", "It is kept.", .json(.anything)), refused]),
        APIRoute(
            .delete, "/api/{project}/watermarks/{id}", "pixault.watermarks", "Deletes a watermark.",
            answers: done("It is gone.", status: "204")),
        APIRoute(
            .get, "/api/{project}/plugins", "pixault.plugins", "The catalogue, and what is active.",
            answers: done("The plugins.", .list(plugin))),
        APIRoute(
            .post, "/api/{project}/plugins/{name}/activate", "pixault.plugins", "Activates a plugin.",
            answers: done("It is active.", status: "204")),
        APIRoute(
            .post, "/api/{project}/plugins/{name}/deactivate", "pixault.plugins", "Deactivates a plugin.",
            answers: done("It is not active.", status: "204")),
        APIRoute(
            .get, "/api/{project}/originals-signing", "pixault.originals_signing", "Whether originals have to be signed for.",
            answers: done("Whether.", .object([("enabled", .boolean)], required: ["enabled"]))),
        APIRoute(
            .put, "/api/{project}/originals-signing", "pixault.originals_signing", "Makes a secret to sign originals with.",
            answers: done("The secret, this once.", .object([("enabled", .boolean), ("secret", .text)], required: ["enabled"]))),
        APIRoute(
            .delete, "/api/{project}/originals-signing", "pixault.originals_signing", "Opens originals to everybody again.",
            answers: done("They are open.", status: "204")),
    ]
}
