// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// How what is answered is wrapped. The vendor's pages show the data alone, its scripts read `data`: one or the other client is right.
public enum FilesEnvelope: String, Sendable, CaseIterable {
    /// The fields in `data` and beside it.
    case both
    /// `{"success":true,"data":…}`
    case wrapped
    /// The data alone.
    case flat

    /// An answer in JSON without spaces: a script of the vendor's looks for pieces of it as text.
    /// - Parameters:
    ///   - saysSuccess: whether the data itself has a field `success`.
    ///   - write: the fields of the data.
    func response(
        status: HTTPResponse.Status = .ok, saysSuccess: Bool = false, _ write: (inout JSONWriter) -> Void
    ) -> Response {
        let fields = JSONWriter.object(write).dropFirst().dropLast()
        let success = #""success":true"#
        let data = "{" + Self.joined([saysSuccess ? Substring(success) : "", fields]) + "}"
        let text =
            switch self {
            case .flat: data
            case .wrapped: "{\(success),\"data\":\(data)}"
            case .both: "{" + Self.joined([Substring("\(success),\"data\":\(data)"), fields]) + "}"
            }
        return Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8", .xContentTypeOptions: "nosniff"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private static func joined(_ parts: [Substring]) -> String { parts.filter { !$0.isEmpty }.joined(separator: ",") }
}
