// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore

extension FilesAPIFrontend {
    /// What is documented of this interface.
    public static let description = APIDescription(
        name: "bkend", title: "bkend",
        summary: "People of an app who sign up and in, and its files. Answers are wrapped as the server is set to.",
        routes: auth + uploads + files + avatars)

    private static let refused = APIRoute.Answer(
        "4XX", "Why not.",
        .json(
            .object(
                [
                    ("success", .boolean),
                    ("error", .object([("code", .text), ("message", .text)], required: ["code", "message"])),
                    ("statusCode", .integer), ("message", .text),
                ], required: ["success", "error", "statusCode", "message"])))

    private static func done(_ meaning: String, _ schema: APISchema, status: String = "200") -> [APIRoute.Answer] {
        [.init(status, meaning, .json(schema)), refused]
    }

    /// What every request shows, whoever makes it.
    private static let key: [APIRoute.Parameter] = [
        .init("X-API-Key", in: .header, .text, isRequired: true, "A publishable or secret key of the project.")
    ]

    private static func route(
        _ method: HTTPRequest.Method, _ path: String, _ operation: String, _ summary: String,
        query: [APIRoute.Parameter] = [], body: APISchema? = nil, needsToken: Bool = true, answers: [APIRoute.Answer]
    ) -> APIRoute {
        APIRoute(
            method, path, operation, summary, parameters: key + query, body: body.map { [.json($0)] } ?? [],
            needsToken: needsToken, answers: answers)
    }

    // MARK: People

    private static let tokens = APISchema.object(
        [
            ("accessToken", .text), ("refreshToken", .text), ("tokenType", .text), ("expiresIn", .integer),
            ("user", .object([("id", .text), ("email", .text), ("name", .text)], required: ["id", "email", "name"])),
        ])
    private static let person = APISchema.object(
        [
            ("id", .text), ("role", .text), ("name", .text), ("email", .text), ("emailVerified", .optional(.text)),
            ("image", .optional(.text)), ("createdAt", .text),
        ])
    private static let message = APISchema.object([("message", .text)])

    private static let auth: [APIRoute] = [
        route(
            .post, "/v1/auth/email/signup", "files.sign_up", "Makes the account of somebody who uses the app.",
            body: .object(
                [("method", .text), ("email", .text), ("password", .text), ("name", .optional(.text))],
                required: ["method", "email", "password"]), needsToken: false,
            answers: done("Who signed up is signed in.", tokens, status: "201")),
        route(
            .post, "/v1/auth/email/signin", "files.sign_in", "Signs in.",
            body: .object(
                [("method", .text), ("email", .text), ("password", .text), ("mfaCode", .optional(.text))],
                required: ["method", "email", "password"]), needsToken: false, answers: done("The tokens.", tokens)),
        route(
            .post, "/v1/auth/refresh", "files.sign_in", "Gives the next tokens for a refresh token, which is good once.",
            body: .object([("refreshToken", .text)], required: ["refreshToken"]), needsToken: false,
            answers: done("The tokens.", tokens)),
        route(.get, "/v1/auth/me", "files.sign_in", "Who is signed in.", answers: done("Who.", person)),
        route(
            .post, "/v1/auth/signout", "files.sign_in", "Ends the session of the token.", answers: done("It is over.", message)),
    ]

    // MARK: Files

    private static let metadata = APISchema.object(
        [
            ("category", .optional(.text)), ("tags", .optional(.list(.text))), ("description", .optional(.text)),
            ("alt", .optional(.text)), ("relatedEntityId", .optional(.text)), ("custom", .optional(.object([]))),
        ])
    private static let file = APISchema.object(
        [
            ("id", .text), ("s3Key", .text), ("key", .text), ("url", .text), ("originalName", .text), ("mimeType", .text),
            ("size", .integer), ("width", .optional(.integer)), ("height", .optional(.integer)), ("visibility", .text),
            ("bucket", .text), ("ownerId", .optional(.text)), ("ownerType", .text), ("sharedWith", .list(.text)),
            ("metadata", metadata), ("createdAt", .text), ("updatedAt", .text),
        ])
    private static let pagination = APISchema.object(
        [
            ("total", .integer), ("page", .integer), ("limit", .integer), ("totalPages", .integer), ("hasNextPage", .boolean),
            ("hasPrevPage", .boolean), ("isTotalExact", .boolean),
        ], required: ["total", "page", "limit", "totalPages", "hasNextPage", "hasPrevPage"])
    private static let count = APISchema.object([("files", .integer), ("size", .integer)])
    private static let download = APISchema.object(
        [("url", .text), ("filename", .text), ("contentType", .text), ("size", .integer), ("expiresAt", .optional(.text))])
    private static let shares = APISchema.object([("sharedWith", .list(.text))])

    private static func announcement(isSizeNeeded: Bool) -> APISchema {
        .object(
            [
                ("filename", .text), ("contentType", .text), ("fileSize", isSizeNeeded ? .integer : .optional(.integer)),
                ("visibility", .optional(.text)), ("category", .optional(.text)),
            ], required: ["filename", "contentType"] + (isSizeNeeded ? ["fileSize"] : []))
    }
    private static let issued = APISchema.object(
        [
            ("url", .text), ("key", .text), ("filename", .text), ("contentType", .text), ("fileId", .text), ("expiresAt", .text),
        ])
    private static let begun = APISchema.object([("uploadId", .text), ("key", .text), ("filename", .text), ("fileId", .text)])

    private static let partFields: [(name: String, schema: APISchema)] = [("key", .text), ("partNumber", .integer)]
    private static let partsFields: [(name: String, schema: APISchema)] = [
        ("key", .text),
        (
            "parts",
            .list(.object([("partNumber", .integer), ("etag", .text)], required: ["partNumber", "etag"]))
        ),
    ]
    private static let uploadField: [(name: String, schema: APISchema)] = [("uploadId", .text)]
    private static let partURL = APISchema.object([("url", .text), ("partNumber", .integer)])
    private static let completed = APISchema.object([("key", .text), ("location", .text)])
    private static let aborted = APISchema.object([("success", .boolean), ("key", .text)])

    private static let uploads: [APIRoute] =
        ["/v1/files/presigned-url", "/v1/files/upload"].map { path in
            route(
                .post, path, "files.presign", "Gives a key out, and the URL to upload its file to.",
                body: announcement(isSizeNeeded: false), answers: done("PUT the bytes there, without a token.", issued))
        }
        + ["/v1/files/multipart/init", "/v1/files/multipart/initiate"].map { path in
            route(
                .post, path, "files.multipart", "Gives a key out for a file that comes in parts.",
                body: announcement(isSizeNeeded: true), answers: done("The upload.", begun))
        }
        + [
            route(
                .post, "/v1/files/multipart/presigned-url", "files.multipart", "The URL to upload a part to.",
                body: .object(partFields + uploadField, required: ["key", "partNumber", "uploadId"]),
                answers: done("PUT the part there; its ETag names it.", partURL)),
            route(
                .post, "/v1/files/multipart/complete", "files.multipart", "Puts the parts together.",
                body: .object(partsFields + uploadField, required: ["key", "parts", "uploadId"]),
                answers: done("The object is there.", completed)),
            route(
                .post, "/v1/files/multipart/abort", "files.multipart", "Gives an upload up.",
                body: .object([("key", .text)] + uploadField, required: ["key", "uploadId"]),
                answers: done("It is gone.", aborted)),
            route(
                .post, "/v1/files/multipart/{upload}/part-url", "files.multipart", "The URL to upload a part to.",
                body: .object(partFields, required: ["key", "partNumber"]),
                answers: done("PUT the part there; its ETag names it.", partURL)),
            route(
                .post, "/v1/files/multipart/{upload}/complete", "files.multipart", "Puts the parts together.",
                body: .object(partsFields, required: ["key", "parts"]), answers: done("The object is there.", completed)),
            route(
                .post, "/v1/files/multipart/{upload}/abort", "files.multipart", "Gives an upload up.",
                body: .object([("key", .text)], required: ["key"]), answers: done("It is gone.", aborted)),
        ]

    private static let files: [APIRoute] =
        [
            route(
                .post, "/v1/files", "files.create", "Registers what was uploaded.",
                body: .object(
                    [
                        ("s3Key", .text), ("originalName", .text), ("mimeType", .text), ("size", .integer),
                        ("width", .optional(.integer)), ("height", .optional(.integer)), ("visibility", .optional(.text)),
                        ("bucket", .optional(.text)), ("metadata", .optional(metadata)), ("sharedWith", .optional(.list(.text))),
                    ], required: ["s3Key", "originalName", "mimeType", "size"]),
                answers: done("The file.", file, status: "201")),
            route(
                .get, "/v1/files", "files.list", "The files that the caller may see.", query: filters, needsToken: false,
                answers: done("A page of them.", .object([("items", .list(file)), ("pagination", pagination)]))),
            route(
                .get, "/v1/files/stats", "files.stats", "What the files add up to: the project's, or a user's own.",
                answers: done(
                    "Counts, and sizes in bytes.",
                    .object(
                        [
                            ("totalFiles", .integer), ("totalSize", .integer),
                            ("byVisibility", .object(FileVisibility.allCases.map { ($0.rawValue, count) })),
                            ("byBucket", .object(FileLabel.allCases.map { ($0.rawValue, count) })),
                        ]))),
            route(
                .get, "/v1/files/buckets", "files.stats", "The labels of files, each with how many have it.",
                answers: done(
                    "They.",
                    .object([("items", .list(.object([("name", .text), ("files", .integer), ("size", .integer)])))]))),
            route(
                .get, "/v1/files/{file}", "files.read", "A file, as much of it as the caller may see.", needsToken: false,
                answers: done("The file.", file)),
            route(
                .patch, "/v1/files/{file}", "files.update", "Changes what is known of a file.",
                body: .object(
                    [
                        ("originalName", .optional(.text)), ("visibility", .optional(.text)), ("metadata", .optional(metadata)),
                        ("sharedWith", .optional(.list(.text))),
                    ]), answers: done("The file.", file)),
            route(
                .delete, "/v1/files/{file}", "files.delete", "Deletes a file with its bytes.",
                answers: done("It is gone.", .object([]))),
            route(
                .patch, "/v1/files/{file}/visibility", "files.update", "Changes who may see a file.",
                body: .object([("visibility", .text)], required: ["visibility"]), answers: done("The file.", file)),
            route(
                .post, "/v1/files/{file}/complete", "files.create", "Registers what was uploaded, as it was announced.",
                answers: done("The file.", file)),
            route(
                .get, "/v1/files/{file}/shares", "files.shares", "With whom a file is shared.",
                answers: done("The ids of users.", shares)),
            route(
                .post, "/v1/files/{file}/shares", "files.shares", "Shares a file with somebody.",
                body: .object([("userId", .optional(.text)), ("userIds", .optional(.list(.text)))]),
                answers: done("The ids of users.", shares)),
            route(
                .delete, "/v1/files/{file}/shares/{user}", "files.shares", "Shares a file with somebody no longer.",
                answers: done("The ids of users.", shares)),
        ]
        + ["/v1/files/{file}/download-url", "/v1/files/{file}/download"].flatMap { path in
            [HTTPRequest.Method.post, .get].map { method in
                route(
                    method, path, "files.download_url", "Where to fetch a file's bytes.", needsToken: false,
                    answers: done("A URL, which is good for ever where the file is public.", download))
            }
        }

    private static let filters: [APIRoute.Parameter] = [
        .init("page", .bounded(1...10_000_000, otherwise: 1)), .init("limit", .bounded(1...100, otherwise: 20)),
        .init("sortBy", .text, FileOrder.Field.allCases.map(\.rawValue).joined(separator: ", ")),
        .init("sortDirection", .text, "asc or desc"), .init("visibility"), .init("ownerType"), .init("ownerId"), .init("bucket"),
        .init("mimeType", .text, "A media type, or a kind of them: image/*."), .init("search", .text, "A part of the name."),
    ]

    // MARK: Avatars

    private static let avatars: [APIRoute] = [
        route(
            .post, "/v1/users/{user}/avatar/upload-url", "files.presign", "The URL to upload a user's picture to.",
            body: .object([("filename", .text), ("contentType", .text)], required: ["filename", "contentType"]),
            answers: done(
                "PUT the picture there.",
                .object([("url", .text), ("uploadUrl", .text), ("key", .text), ("expiresAt", .text)]))),
        route(
            .patch, "/v1/users/{user}/avatar", "files.avatar", "Makes what was uploaded the user's picture.",
            body: .object([("s3Key", .text)], required: ["s3Key"]), answers: done("Its URL.", .object([("image", .text)]))),
        route(
            .delete, "/v1/users/{user}/avatar", "files.avatar", "Takes the user's picture away.",
            answers: done("It is gone.", message)),
    ]
}
