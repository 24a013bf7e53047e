// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What is documented of where originals are kept.
extension PixaultAPIFrontend {
    private static let place = APISchema.object(
        [
            ("provider", .text), ("isByos", .boolean), ("bucket", .text), ("region", .optional(.text)),
            ("endpoint", .optional(.text)), ("pathPrefix", .text), ("forcePathStyle", .optional(.boolean)),
            ("configuredAt", .text), ("lastHealthCheckAt", .optional(.text)), ("healthy", .optional(.boolean)),
            ("error", .optional(.text)),
        ], required: ["provider", "isByos"])

    private static let configuration: [APIRoute.Content] = [
        .json(
            .object(
                [
                    ("provider", .text), ("bucket", .text), ("pathPrefix", .optional(.text)), ("region", .optional(.text)),
                    ("endpoint", .optional(.text)), ("forcePathStyle", .optional(.boolean)),
                    ("accessKeyId", .optional(.text)), ("secretAccessKey", .optional(.text)),
                    ("connectionString", .optional(.text)), ("serviceAccountJson", .optional(.text)),
                ], required: ["provider", "bucket"]))
    ]

    /// What goes with a change by cookie.
    private static let change: [APIRoute.Parameter] = [
        .init("X-CSRF-Token", in: .header, .text, "Needed with the cookie of somebody who signed in.")
    ]

    private static let trial: [(name: String, schema: APISchema)] = [
        ("latencyMs", .integer), ("error", .text), ("stage", .text),
    ]

    static let ownStorage: [APIRoute] = [
        APIRoute(
            .get, "/api/{project}/storage", "pixault.storage", "Where new originals go. For the owner, signed in.",
            answers: done("The place, without credentials.", place)),
        APIRoute(
            .put, "/api/{project}/storage", "pixault.storage", "Tries a bucket, and has new originals go there.",
            parameters: change, body: configuration, answers: done("The place, without credentials.", place)),
        APIRoute(
            .delete, "/api/{project}/storage", "pixault.storage", "Has new originals go to the server's own storage.",
            parameters: change + [.init("forgetCredentials", in: .query, .text, "Whether what is there gets out of reach.")],
            answers: done("The place, which is the server's.", place)),
        APIRoute(
            .post, "/api/{project}/storage/validate", "pixault.storage", "Tries a bucket and keeps nothing.",
            parameters: change, body: configuration,
            answers: done("What came of it.", .object([("valid", .boolean)] + trial, required: ["valid", "latencyMs"]))),
        APIRoute(
            .post, "/api/{project}/storage/health", "pixault.storage", "Tries the bucket that is configured.",
            parameters: change,
            answers: done(
                "What came of it.",
                .object(
                    [("healthy", .boolean), ("checkedAt", .text), ("provider", .text)] + trial,
                    required: ["healthy", "checkedAt", "latencyMs"]))),
    ]

    private static let migration = APISchema.object(
        [
            ("id", .text), ("source", .text), ("status", .text), ("totalAssets", .integer), ("processedAssets", .integer),
            ("succeededAssets", .integer), ("failedAssets", .integer), ("createdAt", .text), ("startedAt", .optional(.text)),
            ("completedAt", .optional(.text)), ("error", .optional(.text)),
            (
                "recentErrors",
                .list(
                    .object(
                        [("assetId", .optional(.text)), ("key", .optional(.text)), ("message", .text), ("at", .text)],
                        required: ["message", "at"]))
            ),
        ],
        required: [
            "id", "source", "status", "totalAssets", "processedAssets", "succeededAssets", "failedAssets", "createdAt",
            "recentErrors",
        ])

    static let migrations: [APIRoute] = [
        APIRoute(
            .get, "/api/{project}/migrations", "pixault.migrations", "Migrations and imports, the newest first.",
            parameters: [.init("limit"), .init("cursor")],
            answers: done(
                "A page.",
                .object(
                    [("migrations", .list(migration)), ("nextCursor", .optional(.text)), ("hasMore", .boolean)],
                    required: ["migrations", "nextCursor", "hasMore"]))),
        APIRoute(
            .post, "/api/{project}/migrations/storage", "pixault.migrations", "Has all originals move to where new ones go.",
            parameters: change, answers: done("It is begun.", started, status: "202")),
        APIRoute(
            .post, "/api/{project}/migrations/bucket-import", "pixault.migrations",
            "Has the images in the project's own bucket become assets.", parameters: change,
            body: [
                .json(
                    .object(
                        [("prefix", .optional(.text)), ("folder", .optional(.text)), ("dryRun", .optional(.boolean))]))
            ], isBodyRequired: false, answers: done("It is begun.", started, status: "202")),
        APIRoute(
            .get, "/api/{project}/migrations/{job}", "pixault.migrations", "A migration or an import.",
            answers: done("How far it is.", migration)),
        APIRoute(
            .post, "/api/{project}/migrations/{job}/cancel", "pixault.migrations", "Ends a migration or an import.",
            parameters: change, answers: done("It has ended, or is told to.", migration, status: "202")),
    ]
}
