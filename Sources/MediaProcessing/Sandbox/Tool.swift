// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The programs that read strangers' files, and those that shut them away.
enum Tool: String, CaseIterable, Sendable {
    case ghostscript = "gs"
    case pdfinfo, pdftocairo
    case ffmpeg, ffprobe
    case exiftool
    case rsvgConvert = "rsvg-convert"
    case bubblewrap = "bwrap"
    case prlimit, setpriv

    /// The Debian package it is in.
    var package: String {
        switch self {
        case .ghostscript: "ghostscript"
        case .pdfinfo, .pdftocairo: "poppler-utils"
        case .ffmpeg, .ffprobe: "ffmpeg"
        case .exiftool: "libimage-exiftool-perl"
        case .rsvgConvert: "librsvg2-bin"
        case .bubblewrap: "bubblewrap"
        case .prlimit, .setpriv: "util-linux"
        }
    }

    /// What makes one kind of conversion possible.
    static let ofDocuments: [Tool] = [.ghostscript, .pdfinfo]
    static let ofDrawings: [Tool] = ofDocuments + [.pdftocairo]
    static let ofVideos: [Tool] = [.ffmpeg, .ffprobe]
    static let ofMetadata: [Tool] = [.exiftool]
    static let ofVectors: [Tool] = [.rsvgConvert]

    /// The beginning of a command line that leaves the processors to those who answer requests. In the package coreutils, which is everywhere.
    static let modestly = ["nice", "-n", "10"]

    /// Where it is. Only the system's own directories are looked into: the sandbox has no others.
    func path() -> String? {
        for directory in ["/usr/bin", "/bin", "/usr/local/bin"] where access("\(directory)/\(rawValue)", X_OK) == 0 {
            return "\(directory)/\(rawValue)"
        }
        return nil
    }
}

/// One run of a tool.
struct ToolRun: Sendable {
    var tool: Tool
    /// Made of where its files are for it.
    var arguments: @Sendable (ToolPaths) -> [String]
    /// The one file it may read, by its path on this machine. Nil: none.
    var input: String?

    init(_ tool: Tool, input: String?, arguments: @escaping @Sendable (ToolPaths) -> [String]) {
        self.tool = tool
        self.input = input
        self.arguments = arguments
    }
}

/// Where a tool finds its files.
struct ToolPaths: Sendable {
    /// The file it reads.
    var input: String
    /// The directory it writes to, which is empty at first.
    var output: String
}

/// How a run ended.
struct ToolResult: Sendable {
    /// Its exit status; 128 and the signal's number when one ended it.
    var status: Int32
    /// What it printed, at most as much as allowed.
    var output: [UInt8]
    /// The end of its complaints.
    var complaints: String
}
