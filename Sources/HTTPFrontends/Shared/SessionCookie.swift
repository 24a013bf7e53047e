// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

/// The cookie of a session (RFC 6265): scripts do not read it, other sites do not send it with changes, and over TLS it is bound to this very
/// host and never sent without TLS (the prefix `__Host-`, RFC 6265bis §4.1.3.2).
struct SessionCookie {
    let isSecure: Bool

    /// - Parameter origin: by which clients know the server.
    init(for request: Request, _ origin: PublicOrigin) {
        self.isSecure = origin.url(for: request).hasPrefix("https:")
    }

    private var name: String { isSecure ? "__Host-magpie_session" : "magpie_session" }

    /// The token that a request shows. Nil where there is none, and where there are several, of which somebody else may have put one there.
    func token(in request: Request) -> String? {
        var found: String?
        for pair in request.headers[values: .cookie].flatMap({ $0.split(separator: ";") }) {
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == name else { continue }
            guard found == nil else { return nil }
            found = String(parts[1])
        }
        return found
    }

    /// Has the client keep the token of a session until the session's end.
    func setting(_ signedIn: SignedIn, at time: Timestamp = .now()) -> String {
        field(signedIn.token.text, maxAge: max(0, signedIn.session.endsAt.seconds - time.seconds))
    }

    /// Has the client forget it.
    var clearing: String { field("", maxAge: 0) }

    private func field(_ value: String, maxAge: Int64) -> String {
        "\(name)=\(value); Path=/; Max-Age=\(maxAge); HttpOnly; SameSite=Lax" + (isSecure ? "; Secure" : "")
    }
}

/// What a request needs besides its cookie, which a browser sends along whoever made the page that asks for it.
enum ForgeryGuard {
    /// Methods that change nothing (RFC 9110 §9.2.1).
    static func isSafe(_ method: HTTPRequest.Method) -> Bool { method == .get || method == .head || method == .options }

    /// - Throws: `ProblemDetails` with 403 for a change that does not show the token that belongs to the session, or comes from another site.
    static func check(_ request: Request, of token: SessionToken) throws(ProblemDetails) {
        guard !isSafe(request.method) else { return }
        try checkSite(request)
        guard let shown = request.headers[.xCSRFToken], token.isAntiForgeryToken(shown) else {
            throw ProblemDetails(.forbidden, "X-CSRF-Token is missing or not the session's")
        }
    }

    /// - Throws: `ProblemDetails` with 403 for what a browser says comes from a page of another origin. Programs say nothing of the kind.
    static func checkSite(_ request: Request) throws(ProblemDetails) {
        let site = request.headers[.secFetchSite]
        guard site == nil || site == "same-origin" || site == "none" else {
            throw ProblemDetails(.forbidden, "The console answers pages of its own origin only")
        }
    }
}

extension HTTPField.Name {
    static let xCSRFToken = known("x-csrf-token")
    fileprivate static let secFetchSite = known("sec-fetch-site")
}
