// SPDX-License-Identifier: Apache-2.0

import MediaCore

extension Workspace {
    func stripped(_ image: WorkFile, _ kind: MediaKind) async throws -> WorkFile {
        // A slash at its end makes it a directory: a name without an extension could be no image's to the tool.
        let (result, made) = try await run(.exiftool, on: image, making: "source", kind.mediaType) { paths in
            [
                "-q", "-q", "-all=", "--icc_profile:all", "-tagsfromfile", "@", "-Orientation", "-o", "\(paths.output)/",
                paths.input,
            ]
        }
        guard result.status == 0, let made, made.size > 0 else {
            throw ConversionFailure.unreadable("The metadata of this image can't be taken out", detail: Self.said(result))
        }
        return made
    }
}
