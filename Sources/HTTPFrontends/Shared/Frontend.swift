// SPDX-License-Identifier: Apache-2.0

public import Hummingbird

/// One published dialect over the core: decodes a request, makes one core call, encodes the answer.
///
/// Paths are told apart on their raw bytes, because keys carry empty segments, escapes and trailing slashes that a segment
/// router folds away.
public protocol Frontend: Sendable {
    /// The dialect's name in metrics and logs, in lower case.
    var name: String { get }

    /// Answers a request to one of this front-end's paths, errors included. Nil when the path belongs to another.
    func respond(to request: Request, context: MagpieRequestContext) async -> Response?

    /// Answers a preflight request (Fetch §4.8) where the front-end has rules of its own. Nil where the server's hold.
    func preflight(_ request: Request, context: MagpieRequestContext) async -> Response?
}

extension Frontend {
    public func preflight(_ request: Request, context: MagpieRequestContext) async -> Response? { nil }
}
