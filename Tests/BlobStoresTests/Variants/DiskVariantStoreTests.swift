// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore
import MediaTesting
import NIOCore
import Synchronization
import Testing

/// Every behaviour of the contract, of every store.
struct VariantStoreConformance {
    enum Store: String, CaseIterable, Sendable {
        case memory, disk

        func with(_ body: (any VariantStore) async throws -> Void) async throws {
            switch self {
            case .memory: try await body(InMemoryVariantStore())
            case .disk: try await DiskVariantStoreTests.withStore { store, _ in try await body(store) }
            }
        }
    }

    @Test(arguments: Store.allCases)
    func givesBackWhatWasKept(_ store: Store) async throws {
        try await store.with { store in
            for (size, type) in [(1, "image/jpeg"), (5000, "image/avif"), (300_000, "application/json")] {
                let (name, image) = (freshName(), sample(size, type))
                try await store.keep(image, as: name)

                let kept = try #require(try await store.open(name))

                #expect(kept.mediaType == type)
                #expect(kept.content.size == Int64(size))
                #expect(kept.content.range == 0..<Int64(size))
                #expect(try await kept.content.collected() == image.body)
            }
        }
    }

    @Test(arguments: Store.allCases)
    func hasNothingOfAnotherVersionOrFingerprint(_ store: Store) async throws {
        try await store.with { store in
            let name = freshName()
            try await store.keep(sample(10), as: name)

            #expect(try await store.open(VariantName(version: ObjectVersion(), fingerprint: name.fingerprint)) == nil)
            #expect(try await store.open(VariantName(version: name.version, fingerprint: freshName().fingerprint)) == nil)
        }
    }

    @Test(arguments: Store.allCases)
    func forgetsAllVariantsOfAVersionAndNoOthers(_ store: Store) async throws {
        try await store.with { store in
            let (version, odd) = (ObjectVersion(), ObjectVersion(stored: "../of/another system"))
            let gone = [version, version, version, odd].map { freshName(of: $0) }
            let stays = freshName()
            for name in gone + [stays] { try await store.keep(sample(10), as: name) }

            try await store.forget([version, odd, ObjectVersion()])

            for name in gone { #expect(try await store.open(name) == nil) }
            #expect(try await store.open(stays) != nil)
        }
    }

    @Test(arguments: Store.allCases)
    func keepsAVariantThatIsKeptAgain(_ store: Store) async throws {
        try await store.with { store in
            let name = freshName()
            let image = sample(5000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 { group.addTask { try await store.keep(image, as: name) } }
                try await group.waitForAll()
            }

            #expect(try await store.open(name)?.content.collected() == image.body)
        }
    }

    @Test(arguments: Store.allCases)
    func oneThatIsBeingReadCanBeForgotten(_ store: Store) async throws {
        try await store.with { store in
            let (name, image) = (freshName(), sample(200_000))
            try await store.keep(image, as: name)
            let open = try #require(try await store.open(name))

            try await store.forget([name.version])

            #expect(try await open.content.collected() == image.body)
            #expect(try await store.open(name) == nil)
        }
    }
}

/// What is particular to the disk.
struct DiskVariantStoreTests {
    private static let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    private static let boot = "this-run-of-the-machine"

    static func withDirectory(_ body: (URL) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("magpie-variants-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory)
    }

    static func open(
        _ directory: URL, capacity: Int64 = 64 << 20, boot: String? = boot,
        write: @escaping DiskWrite.Call = DiskWrite.system
    ) async throws -> DiskVariantStore {
        let store = try await DiskVariantStore.open(
            at: directory.path, options: .init(capacity: capacity, inlineReadBytes: 64 << 10), boot: boot, logger: silent,
            write: write)
        await store.settle()
        return store
    }

    static func withStore(
        capacity: Int64 = 64 << 20, write: @escaping DiskWrite.Call = DiskWrite.system,
        _ body: (DiskVariantStore, URL) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            let store = try await open(directory, capacity: capacity, write: write)
            try await body(store, directory)
            try await store.close()
        }
    }

    /// The files that hold variants.
    private static func files(in directory: URL) -> [URL] {
        let all = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)?.allObjects as? [URL] ?? []
        return all.filter { ["jpg", "webp"].contains($0.pathExtension) }
    }

    private static func bytesOnDisk(_ directory: URL) throws -> Int64 {
        try files(in: directory).reduce(0) {
            try $0 + Int64($1.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0)
        }
    }

    @Test func largeOnesComeAsFilesAndSmallOnesAsBytes() async throws {
        try await Self.withStore { store, _ in
            let (small, large) = (freshName(), freshName())
            try await store.keep(sample(64 << 10), as: small)
            try await store.keep(sample((64 << 10) + 1), as: large)

            guard case .buffer = try await store.open(small)?.content.source else {
                Issue.record("a small one is no buffer")
                return
            }
            guard case .file = try await store.open(large)?.content.source else {
                Issue.record("a large one is no file")
                return
            }
        }
    }

    @Test func staysWithinItsBudgetAndKeepsWhatIsUsed() async throws {
        try await Self.withStore(capacity: 1 << 20) { store, directory in
            let used = freshName()
            try await store.keep(sample(10_000), as: used)
            for _ in 0..<300 {
                try await store.keep(sample(10_000), as: freshName())
                #expect(try await store.open(used) != nil)
                #expect(store.keptBytes <= 1 << 20)
            }

            #expect(try Self.bytesOnDisk(directory) <= 1 << 20)
            #expect(store.count > 50)
            #expect(Self.files(in: directory).count == store.count)
        }
    }

    @Test func concurrentWritersStayWithinTheBudgetTogether() async throws {
        try await Self.withStore(capacity: 1 << 20) { store, directory in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<200 { group.addTask { try await store.keep(sample(50_000), as: freshName()) } }
                try await group.waitForAll()
            }

            #expect(store.keptBytes <= 1 << 20)
            #expect(try Self.bytesOnDisk(directory) <= 1 << 20)
            #expect(Self.files(in: directory).count == store.count)
        }
    }

    @Test func oneThatWouldPushOutTheOthersIsNotKept() async throws {
        try await Self.withStore(capacity: 1 << 20) { store, _ in
            let name = freshName()
            try await store.keep(sample(300 << 10), as: name)

            #expect(try await store.open(name) == nil)
        }
    }

    @Test(arguments: ["text/html", "image/../../x", ""])
    func aKindThatHasNoExtensionIsNotKept(_ type: String) async throws {
        try await Self.withStore { store, _ in
            let name = freshName()
            try await store.keep(sample(10, type), as: name)

            #expect(try await store.open(name) == nil)
            #expect(store.count == 0)
        }
    }

    @Test(arguments: ["", "x", "../../../etc/passwd", String(repeating: "A", count: 64), String(repeating: "+", count: 64)])
    func aFingerprintThatIsNoneHasNoPlace(_ fingerprint: String) async throws {
        try await Self.withStore { store, directory in
            let name = VariantName(version: ObjectVersion(), fingerprint: fingerprint)
            try await store.keep(sample(10), as: name)

            #expect(try await store.open(name) == nil)
            #expect(Self.files(in: directory).isEmpty)
        }
    }

    @Test func aFullDiskKeepsNothingAndGivesSomeBack() async throws {
        let isFull = Shared(false)
        let write: DiskWrite.Call = { descriptor, bytes in
            if isFull.withLock({ $0 }) {
                errno = ENOSPC
                return -1
            }
            return DiskWrite.system(descriptor, bytes)
        }
        try await Self.withDirectory { directory in
            let store = try await Self.open(directory, write: write)
            for _ in 0..<80 { try await store.keep(sample(5000), as: freshName()) }
            let before = store.keptBytes
            isFull.withLock { $0 = true }
            let name = freshName()

            #expect(await errorCode { try await store.keep(sample(5000), as: name) } == .backendUnavailable)

            #expect(try await store.open(name) == nil)
            #expect(store.keptBytes <= before / 8 * 7)
            #expect(store.keptBytes > 0)
            isFull.withLock { $0 = false }
            try await store.keep(sample(5000), as: name)
            #expect(try await store.open(name) != nil)
            try await store.close()
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/0/tmp").isEmpty)
        }
    }

    @Test func aWriteThatBreaksOffLeavesNothing() async throws {
        let count = Shared(0)
        let write: DiskWrite.Call = { descriptor, bytes in
            // Every second write of a variant stops in the middle.
            let number = count.withLock { count in
                count += 1
                return count
            }
            guard bytes.count > 1000, number.isMultiple(of: 2) else { return DiskWrite.system(descriptor, bytes) }
            _ = DiskWrite.system(descriptor, UnsafeRawBufferPointer(rebasing: bytes.prefix(500)))
            errno = EIO
            return -1
        }
        try await Self.withStore(write: write) { store, directory in
            for _ in 0..<10 {
                let (name, image) = (freshName(), sample(5000))
                let code = await errorCode { try await store.keep(image, as: name) }
                let kept = try await store.open(name)
                #expect((code == nil) == (kept != nil))
                if let kept { #expect(try await kept.content.collected() == image.body) }
            }
            #expect(Self.files(in: directory).count == store.count)
        }
    }

    @Test func isFoundAgainAfterARestartTheOldestFirstToGo() async throws {
        try await Self.withDirectory { directory in
            let first = try await Self.open(directory, capacity: 1 << 20)
            let names = (0..<20).map { _ in freshName() }
            for name in names { try await first.keep(sample(20_000), as: name) }
            try await first.close()
            // As if they had been used an hour apart.
            for (age, name) in names.enumerated() {
                for file in Self.files(in: directory)
                where file.lastPathComponent.hasPrefix(name.version.rawValue.replacing("-", with: "")) {
                    try FileManager.default.setAttributes(
                        [.modificationDate: Date(timeIntervalSinceNow: -3600 * Double(age + 1))], ofItemAtPath: file.path)
                }
            }

            let second = try await Self.open(directory, capacity: 300 << 10)

            #expect(second.keptBytes <= 300 << 10)
            #expect(try await second.open(names[0])?.content.size == 20_000)
            #expect(try await second.open(names[19]) == nil)
            #expect(Self.files(in: directory).count == second.count)
            try await second.close()
        }
    }

    @Test func aKilledServersVariantsAreThereWhileTheMachineRuns() async throws {
        try await Self.withDirectory { directory in
            let name = freshName()
            try await Self.copyOfAStoreThatWasNotClosed(with: [name], in: directory)

            let store = try await Self.open(directory)

            #expect(try await store.open(name) != nil)
            try await store.close()
        }
    }

    @Test(arguments: ["another-run", nil])
    func whatAMachineThatCrashedLeftIsDropped(_ boot: String?) async throws {
        try await Self.withDirectory { directory in
            let names = (0..<30).map { _ in freshName() }
            try await Self.copyOfAStoreThatWasNotClosed(with: names, in: directory)

            let store = try await Self.open(directory, boot: boot)

            for name in names { #expect(try await store.open(name) == nil) }
            #expect(Self.files(in: directory).isEmpty)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory.path + "/0").sorted()
                    == ["files", "state.json", "tmp"])
            try await store.close()
        }
    }

    @Test func aStoreThatIsClosedTakesNothingMore() async throws {
        try await Self.withDirectory { directory in
            let first = try await Self.open(directory)
            async let closed: Void = first.close()
            for _ in 0..<50 { try? await first.keep(sample(1000), as: freshName()) }
            try await closed
            let files = Self.files(in: directory)
            try? await first.keep(sample(10), as: freshName())

            #expect(Self.files(in: directory) == files)
            let second = try await Self.open(directory, boot: "another-run")
            #expect(second.count == files.count)
            try await second.close()
        }
    }

    @Test func whatWasFlushedOutlivesTheMachine() async throws {
        try await Self.withDirectory { directory in
            let name = freshName()
            let first = try await Self.open(directory)
            try await first.keep(sample(10), as: name)
            try await first.close()

            let second = try await Self.open(directory, boot: "another-run")

            #expect(try await second.open(name) != nil)
            try await second.close()
        }
    }

    @Test(arguments: ["", "{", #"{"format":2,"isFlushed":true}"#, #"{"format":0,"isFlushed":true}"#])
    func filesOfAnUnknownFormatAreDropped(_ marker: String) async throws {
        try await Self.withDirectory { directory in
            let name = freshName()
            let first = try await Self.open(directory)
            try await first.keep(sample(10), as: name)
            try await first.close()
            try Data(marker.utf8).write(to: directory.appendingPathComponent("0/state.json"))

            let second = try await Self.open(directory)

            #expect(try await second.open(name) == nil)
            #expect(Self.files(in: directory).isEmpty)
            try await second.close()
        }
    }

    @Test func aFileThatIsNotWhatItsNameSaysIsNotServed() async throws {
        try await Self.withStore { store, directory in
            let names = [freshName(), freshName()]
            for name in names { try await store.keep(sample(5000), as: name) }
            let files = Self.files(in: directory)
            #expect(files.count == 2)
            for file in files.prefix(1) { try Data([1, 2, 3]).write(to: file) }
            for file in files.dropFirst() { try FileManager.default.removeItem(at: file) }

            for name in names { #expect(try await store.open(name) == nil) }
            // Nobody counts it any more, so it must not be there.
            #expect(Self.files(in: directory).isEmpty)
            // And can be kept again.
            for name in names { try await store.keep(sample(5000), as: name) }
            for name in names { #expect(try await store.open(name) != nil) }
        }
    }

    @Test func oneFileThatCannotBeRemovedKeepsNoOtherOnTheDisk() async throws {
        try await Self.withStore { store, directory in
            let version = ObjectVersion()
            for _ in 0..<5 {
                let before = Set(Self.files(in: directory))
                try await store.keep(sample(5000), as: freshName(of: version))
                // A directory is nothing that a file is removed as. The last one kept is the first to go.
                for file in Set(Self.files(in: directory)).subtracting(before) where before.count == 4 {
                    try FileManager.default.removeItem(at: file)
                    try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
                }
            }
            #expect(Self.files(in: directory).count == 5)

            #expect(await errorCode { try await store.forget([version]) } != nil)

            #expect(Self.files(in: directory).count == 1)
            #expect(store.keptBytes == 0)
        }
    }

    @Test func strangersFilesAreLeftAloneAndNotServed() async throws {
        try await Self.withDirectory { directory in
            let first = try await Self.open(directory)
            try await first.keep(sample(10), as: freshName())
            try await first.close()
            let folder = try #require(Self.files(in: directory).first).deletingLastPathComponent()
            for stranger in ["README", ".jpg", "x.10.jpg", "\(String(repeating: "0", count: 96)).3.exe"] {
                try Data([1, 2, 3]).write(to: folder.appendingPathComponent(stranger))
            }

            let second = try await Self.open(directory)

            #expect(second.count == 1)
            #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("README").path))
            try await second.close()
        }
    }

    @Test func twoServersDoNotShareFiles() async throws {
        try await Self.withDirectory { directory in
            let (first, second) = (try await Self.open(directory), try await Self.open(directory))
            let name = freshName()
            try await first.keep(sample(10), as: name)

            #expect(try await second.open(name) == nil)
            try await first.close()
            try await second.close()
        }
    }

    @Test func aSlowDiskDoesNotFillTheMemory() async throws {
        let isSlow = Shared(true)
        let write: DiskWrite.Call = { descriptor, bytes in
            while bytes.count > 1000, isSlow.withLock({ $0 }) { usleep(1000) }
            return DiskWrite.system(descriptor, bytes)
        }
        try await Self.withStore(capacity: 1 << 30, write: write) { store, _ in
            let image = sample(8 << 20)
            let codes = try await withThrowingTaskGroup(of: StorageError.Code?.self) { group in
                for _ in 0..<12 { group.addTask { await errorCode { try await store.keep(image, as: freshName()) } } }
                var codes: [StorageError.Code?] = []
                for try await code in group {
                    codes.append(code)
                    // Those who are refused are so at once, while all others still wait for the disk.
                    if codes.count == 5 { isSlow.withLock { $0 = false } }
                }
                return codes
            }

            #expect(codes.prefix(5) == [.overloaded, .overloaded, .overloaded, .overloaded, .overloaded])
            #expect(codes.dropFirst(5).allSatisfy { $0 == nil })
        }
    }

    /// The directory as a process leaves it that is killed.
    private static func copyOfAStoreThatWasNotClosed(with names: [VariantName], in directory: URL) async throws {
        try await withDirectory { original in
            let store = try await open(original)
            for name in names { try await store.keep(sample(5000), as: name) }
            try FileManager.default.copyItem(at: original, to: directory)
            try await store.close()
        }
    }
}

private func freshName(of version: ObjectVersion = ObjectVersion()) -> VariantName {
    var transform = Transform()
    transform.width = Int.random(in: 1...Int.max)
    return VariantName(version: version, fingerprint: transform.fingerprint(revision: "test"))
}

private func sample(_ bytes: Int, _ type: String = "image/webp") -> RenderedImage {
    RenderedImage(body: SampleData.bytes(bytes), mediaType: type)
}

/// A value that a test and the disk threads of its store look at.
private final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { value in
            var copy = value
            defer { value = copy }
            return body(&copy)
        }
    }
}
