// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// What this dialect keeps with an upload, to show it again.
struct TUSAttributes: Hashable, Codable {
    /// `Upload-Metadata` as sent.
    var metadata: String
    /// `Upload-Concat` as sent.
    var concat: String?

    init(metadata: String, concat: String?) {
        self.metadata = metadata
        self.concat = concat
    }

    /// Of an upload of another dialect there is nothing to show.
    init(_ session: UploadSession) {
        let data = Data(session.attributes.rawValue.utf8)
        self = (try? JSONDecoder().decode(TUSAttributes.self, from: data)) ?? TUSAttributes(metadata: "", concat: nil)
    }

    var json: JSONText {
        JSONText(
            trusted: JSONWriter.object { writer in
                writer.field("metadata", metadata)
                if let concat { writer.field("concat", concat) }
            })
    }
}

/// The `Upload-Concat` field. TUS 1.0, concatenation extension.
enum TUSConcat: Hashable {
    case partial
    /// In the order in which the bytes stand.
    case final([UploadLocator])

    /// The most pieces of one upload.
    private static let mostPieces = 1000

    /// - Throws: `TUSError.invalidConcat`.
    init(_ text: String) throws(TUSError) {
        if text == "partial" {
            self = .partial
            return
        }
        guard text.hasPrefix("final;") else { throw .invalidConcat }
        var pieces: [UploadLocator] = []
        for url in text.dropFirst("final;".count).split(separator: " ") {
            // URLs may be absolute or not; what names the upload is their last segment.
            guard let segment = url.split(separator: "/").last, let piece = UploadLocator(segment: segment),
                pieces.count < Self.mostPieces
            else { throw .invalidConcat }
            pieces.append(piece)
        }
        guard !pieces.isEmpty else { throw .invalidConcat }
        self = .final(pieces)
    }
}
