// SPDX-License-Identifier: Apache-2.0

/// By what right a call is made. The only security decision a front-end takes is which case it builds.
public enum Access: Sendable {
    /// Row-level security decides, as the caller's role with the caller's claims.
    case policy(Caller)
    /// Reading only, and only where the bucket is public.
    case publicBucket(RequestFacts)
    /// One address and one action until a date, signed by this server.
    case grant(SignedGrant, RequestFacts)

    public var facts: RequestFacts {
        switch self {
        case .policy(let caller): caller.facts
        case .publicBucket(let facts), .grant(_, let facts): facts
        }
    }

    /// The subject that will own what is written.
    public var subject: String? {
        switch self {
        case .policy(let caller): caller.principal.subject
        case .publicBucket: nil
        case .grant(let grant, _): grant.owner
        }
    }

    /// The role as which policies are asked. Nil where none are.
    var role: String? {
        switch self {
        case .policy(let caller): caller.principal.role
        case .publicBucket, .grant: nil
        }
    }
}

/// Who calls, as a verified token says.
public struct Principal: Hashable, Sendable {
    /// The Postgres role to assume.
    public var role: String
    /// The `sub` claim.
    public var subject: String?
    /// Every claim, for `request.jwt.claims`.
    public var claims: JSONText
    /// The token itself, for `request.jwt`. Never logged.
    public var token: String
    /// What its key opens, where it is one of projects.
    public var scope: ProjectScope?

    public init(role: String, subject: String?, claims: JSONText, token: String, scope: ProjectScope? = nil) {
        self.role = role
        self.subject = subject
        self.claims = claims
        self.token = token
        self.scope = scope
    }
}

/// A principal making one request.
public struct Caller: Sendable {
    public var principal: Principal
    public var facts: RequestFacts

    public init(principal: Principal, facts: RequestFacts) {
        self.principal = principal
        self.facts = facts
    }
}

/// What a policy may read of the request: `storage.operation`, `request.method`, `request.path`, `request.headers`.
public struct RequestFacts: Sendable {
    public var operation: Operation
    public var method: String
    /// The request target, with its query.
    public var path: String
    /// Names in lower case.
    public var headers: [(name: String, value: String)]
    /// Ties log lines of one request together.
    public var requestID: String

    public init(
        operation: Operation, method: String = "", path: String = "", headers: [(name: String, value: String)] = [],
        requestID: String = ""
    ) {
        self.operation = operation
        self.method = method
        self.path = path
        self.headers = headers
        self.requestID = requestID
    }
}

/// What is being done, in the words that policies compare (`storage.allow_only_operation`).
public struct Operation: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// The server's own work: upkeep, commands.
    public static let upkeep = Operation("magpie.upkeep")
}

/// A right to do one thing to one object until a date, taken from a token that this server signed.
public struct SignedGrant: Hashable, Sendable {
    public enum Action: String, Sendable { case download, upload }

    public var address: ObjectAddress
    public var action: Action
    /// Uploads: who will own the object.
    public var owner: String?
    /// Uploads: whether what is there may be superseded.
    public var replaces: Bool
    /// Nil for a token that never expires.
    public var expiresAt: Timestamp?
    /// Downloads: what is to be shown instead of the object itself, which is not given then. Nil: the object.
    public var rendering: SignedRendering?

    public init(
        address: ObjectAddress, action: Action, owner: String? = nil, replaces: Bool = false, expiresAt: Timestamp?,
        rendering: SignedRendering? = nil
    ) {
        self.address = address
        self.action = action
        self.owner = owner
        self.replaces = replaces
        self.expiresAt = expiresAt
        self.rendering = rendering
    }
}

/// The image that a token is good for, in the words of the dialect that signed it.
public struct SignedRendering: Hashable, Sendable {
    /// As its claim says: `height:80,width:100`.
    public var transformations: String
    public var format: String?

    /// Nil when it says nothing.
    public init?(transformations: String, format: String?) {
        guard !transformations.isEmpty || format?.isEmpty == false else { return nil }
        self.transformations = transformations
        self.format = format
    }
}
