// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

/// A converter in a directory of its own, with the tools as they are installed. Whatever a test does, nothing may be left of it.
enum Converting {
    static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Tests begin all at once, and a machine has only so much time to give.
    private static let room = WorkPlaces(count: 3)

    /// - Parameter body: gets the converter; when it has ended, no process and no file may be left.
    static func with<Value: Sendable>(
        limits: ConversionLimits = ConversionLimits(), policy: SandboxPolicy = .required,
        _ body: (ToolConverter) async throws -> Value
    ) async throws -> Value {
        try await room.withPlace { try await alone(limits, policy, body) }
    }

    /// The same, with as many others as there are: also within another one.
    static func alone<Value: Sendable>(
        _ limits: ConversionLimits = ConversionLimits(), _ policy: SandboxPolicy = .required,
        _ body: (ToolConverter) async throws -> Value
    ) async throws -> Value {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("magpie-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let place = directory.appendingPathComponent("scratch").path
        let converter = try await ToolConverter.open(at: place, limits: limits, policy: policy, logger: quiet)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(converter))
        } catch {
            result = .failure(error)
        }
        #expect(try await Children.areGone(of: place))
        let own = try FileManager.default.contentsOfDirectory(atPath: place)
        #expect(own.count == 1)
        for name in own { #expect(try FileManager.default.contentsOfDirectory(atPath: place + "/" + name) == []) }
        try await converter.shutDown()
        #expect(try FileManager.default.contentsOfDirectory(atPath: place) == [])
        try FileManager.default.removeItem(at: directory)
        return try result.get()
    }

    /// The same with a file that was received.
    static func with<Value: Sendable>(
        _ bytes: ByteBuffer, limits: ConversionLimits = ConversionLimits(), policy: SandboxPolicy = .required,
        _ body: (any ConversionWorkspace, WorkFile) async throws -> Value
    ) async throws -> Value {
        try await with(limits: limits, policy: policy) { converter in
            try await converter.withWorkspace(for: ConversionOrder()) { workspace in
                try await body(workspace, try await workspace.receive(ByteStream(bytes), limit: 1 << 30))
            }
        }
    }

    /// Why it fails. Nil when it doesn't.
    static func failure(_ body: () async throws -> some Any) async throws -> ConversionFailure? {
        do {
            _ = try await body()
            return nil
        } catch let failure as ConversionFailure {
            return failure
        }
    }
}

extension ConversionWorkspace {
    /// All of a file.
    func bytes(of file: WorkFile) async throws -> ByteBuffer {
        var all = ByteBuffer()
        for try await chunk in try await contents(of: file).chunks { all.writeImmutableBuffer(chunk) }
        return all
    }

    func picture(of file: WorkFile) async throws -> Looked {
        try Looked(RenderedImage(body: try await bytes(of: file), mediaType: try #require(file.mediaType)))
    }
}

/// Processes whose command line names a directory: bubblewrap's, which are there as long as anything in their sandbox is.
enum Children {
    static func count(of directory: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.filter { process in
            // It may end while we look.
            guard let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return false }
            return words.range(of: Data(directory.utf8)) != nil
        }.count
    }

    /// What the kernel was told to end is gone within moments, and not at once.
    static func areGone(of directory: String) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(5)
        while try count(of: directory) > 0 {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }
}
