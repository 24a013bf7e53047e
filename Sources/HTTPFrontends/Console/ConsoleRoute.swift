// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// A path of the console's interface: below `/api/auth` and `/api/account`, where no project can be.
enum ConsoleRoute: Hashable {
    case auth, register, signIn, signOut, signOutEverywhere, me, password
    case sessions, session(String)
    case projects
    case members(String), member(String, String)
    case keys(String), key(String, String)
    case unknown

    /// Nil for a path of another front-end.
    init?(path: Substring) {
        var segments = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard segments.popFirst() == "", segments.popFirst() == "api", let first = segments.popFirst(),
            first == "auth" || first == "account"
        else { return nil }
        if segments.last == "" { segments.removeLast() }
        let names = segments.map { PercentEncoding.decode(String($0)) ?? "" }
        guard !names.contains("") else {
            self = .unknown
            return
        }
        self = first == "auth" ? Self.auth(names) : Self.account(names)
    }

    private static func auth(_ names: [String]) -> ConsoleRoute {
        switch (names.first, names.count) {
        case (nil, _): .auth
        case ("register", 1): .register
        case ("sign-in", 1): .signIn
        case ("sign-out", 1): .signOut
        case ("sign-out-everywhere", 1): .signOutEverywhere
        case ("me", 1): .me
        case ("password", 1): .password
        case ("sessions", 1): .sessions
        case ("sessions", 2): .session(names[1])
        default: .unknown
        }
    }

    private static func account(_ names: [String]) -> ConsoleRoute {
        guard names.first == "projects" else { return .unknown }
        switch (names.count, names.dropFirst(2).first) {
        case (1, _): return .projects
        case (3, "members"): return .members(names[1])
        case (4, "members"): return .member(names[1], names[3])
        case (3, "keys"): return .keys(names[1])
        case (4, "keys"): return .key(names[1], names[3])
        default: return .unknown
        }
    }

    /// What may be done with it. Empty where nothing is.
    var methods: [String] {
        switch self {
        case .auth, .me, .sessions: ["GET", "HEAD"]
        case .register, .signIn, .signOut, .signOutEverywhere, .password: ["POST"]
        case .session, .key: ["DELETE"]
        case .projects, .members, .keys: ["GET", "HEAD", "POST"]
        case .member: ["PATCH", "DELETE"]
        case .unknown: []
        }
    }

    /// For metrics and policies.
    var operation: String {
        switch self {
        case .auth, .register: "console.sign_up"
        case .signIn: "console.sign_in"
        case .signOut, .signOutEverywhere, .sessions, .session, .me: "console.sessions"
        case .password: "console.password"
        case .projects: "console.projects"
        case .members, .member: "console.members"
        case .keys, .key: "console.keys"
        case .unknown: "console.unknown"
        }
    }

    /// The project that it is about.
    var project: String? {
        switch self {
        case .members(let project), .member(let project, _), .keys(let project), .key(let project, _): project
        default: nil
        }
    }
}
