// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension ConsoleFrontend {
    /// What is documented of this interface.
    public static let description = APIDescription(
        name: "console", title: "Console", summary: "People who sign in, their projects, members and keys.",
        routes: auth + account, cookie: "magpie_session")

    private static let refused = APIRoute.Answer(
        "4XX", "Why not.",
        .init(
            "application/problem+json",
            .object(
                [
                    ("type", .text), ("title", .text), ("status", .integer), ("detail", .text), ("error", .text),
                    ("traceId", .text),
                ], required: ["type", "title", "status", "detail", "error"])))

    private static func done(_ meaning: String, _ schema: APISchema? = nil, status: String = "200") -> [APIRoute.Answer] {
        [.init(status, meaning, schema.map { .json($0) }), refused]
    }

    private static let person = APISchema.object(
        [("id", .text), ("email", .text), ("name", .text), ("isOperator", .boolean), ("createdAt", .text)],
        required: ["id", "email", "name", "isOperator", "createdAt"])
    private static let session = APISchema.object(
        [
            ("id", .text), ("kind", .text), ("createdAt", .text), ("lastUsedAt", .text), ("expiresAt", .text), ("endsAt", .text),
            ("address", .text), ("userAgent", .text), ("isCurrent", .boolean),
        ], required: ["id", "kind", "createdAt", "lastUsedAt", "expiresAt", "endsAt", "isCurrent"])
    private static let signedIn = APISchema.object(
        [("account", person), ("mayCreateProjects", .boolean), ("csrfToken", .text), ("session", session)],
        required: ["account", "mayCreateProjects", "csrfToken", "session"])

    /// What goes with a change besides the cookie.
    private static let changes: [APIRoute.Parameter] = [.init("X-CSRF-Token", in: .header, .text, isRequired: true)]

    private static let auth: [APIRoute] = [
        APIRoute(
            .get, "/api/auth", "console.sign_up", "Whether somebody may make an account now.", needsToken: false,
            answers: done("Whether.", .object([("signUp", .boolean)], required: ["signUp"]))),
        APIRoute(
            .post, "/api/auth/register", "console.sign_up", "Makes an account and signs in.",
            body: [
                .json(
                    .object(
                        [("email", .text), ("password", .text), ("name", .optional(.text))], required: ["email", "password"]))
            ], needsToken: false,
            answers: done("Who is signed in now, by the cookie.", signedIn, status: "201")),
        APIRoute(
            .post, "/api/auth/sign-in", "console.sign_in", "Signs in.",
            body: [.json(.object([("email", .text), ("password", .text)], required: ["email", "password"]))],
            needsToken: false, answers: done("Who is signed in now, by the cookie.", signedIn)),
        APIRoute(
            .post, "/api/auth/sign-out", "console.sessions", "Ends the session.", parameters: changes,
            answers: done("It is over.", status: "204")),
        APIRoute(
            .post, "/api/auth/sign-out-everywhere", "console.sessions", "Ends all sessions of the account.", parameters: changes,
            answers: done("They are over.", status: "204")),
        APIRoute(
            .get, "/api/auth/me", "console.sessions", "Who is signed in, and what changes have to show.",
            answers: done("Who.", signedIn)),
        APIRoute(
            .post, "/api/auth/password", "console.password", "Changes the password and ends all other sessions.",
            parameters: changes,
            body: [
                .json(
                    .object(
                        [("currentPassword", .text), ("newPassword", .text)], required: ["currentPassword", "newPassword"]))
            ], answers: done("The session goes on under another cookie.", signedIn)),
        APIRoute(
            .get, "/api/auth/sessions", "console.sessions", "All sessions of the account, the last used first.",
            answers: done("They.", .list(session))),
        APIRoute(
            .delete, "/api/auth/sessions/{session}", "console.sessions", "Ends a session.", parameters: changes,
            answers: done("It is over.", status: "204")),
    ]

    private static let project = "/api/account/projects/{project}"
    private static let member = APISchema.object(
        [
            ("accountId", .text), ("email", .text), ("name", .text), ("role", .text), ("disabled", .boolean), ("since", .text),
        ], required: ["accountId", "email", "name", "role", "disabled", "since"])
    private static let key = APISchema.object(
        [
            ("id", .text), ("kind", .text), ("clientId", .optional(.text)), ("description", .text), ("scopes", .list(.text)),
            ("createdAt", .text), ("expiresAt", .text), ("revokedAt", .optional(.text)), ("secret", .text),
        ], required: ["id", "kind", "clientId", "description", "createdAt", "revokedAt"])

    private static let account: [APIRoute] = [
        APIRoute(
            .get, "/api/account/projects", "console.projects", "The projects of the account.",
            answers: done(
                "They.",
                .list(
                    .object(
                        [("projectId", .text), ("role", .text), ("owner", .optional(.text)), ("createdAt", .text)],
                        required: ["projectId", "role", "createdAt"])))),
        APIRoute(
            .post, "/api/account/projects", "console.projects", "Makes a project. Its keys are shown this once.",
            parameters: changes,
            body: [
                .json(
                    .object([("name", .text), ("plan", .optional(.text)), ("private", .optional(.boolean))], required: ["name"]))
            ], answers: done("It is made.", .anything, status: "201")),
        APIRoute(.get, project + "/members", "console.members", "The members.", answers: done("They.", .list(member))),
        APIRoute(
            .post, project + "/members", "console.members", "Makes the account of an address a member.", parameters: changes,
            body: [.json(.object([("email", .text), ("role", .text)], required: ["email", "role"]))],
            answers: done("The member.", member, status: "201")),
        APIRoute(
            .patch, project + "/members/{account}", "console.members", "Changes what a member is.", parameters: changes,
            body: [.json(.object([("role", .text)], required: ["role"]))], answers: done("It is changed.", status: "204")),
        APIRoute(
            .delete, project + "/members/{account}", "console.members", "Takes a member out.", parameters: changes,
            answers: done("It is no member.", status: "204")),
        APIRoute(.get, project + "/keys", "console.keys", "The keys, the newest first.", answers: done("They.", .list(key))),
        APIRoute(
            .post, project + "/keys", "console.keys", "Makes a key. Its secret is shown this once.", parameters: changes,
            body: [.json(.object([("kind", .optional(.text)), ("description", .optional(.text))]))],
            answers: done("It is made.", key, status: "201")),
        APIRoute(
            .delete, project + "/keys/{key}", "console.keys", "Takes a key out of use.", parameters: changes,
            answers: done("It opens nothing.", status: "204")),
    ]
}
