// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import PostgresMetadata

@Suite struct ClusterDirectoryTests {
    /// Nobody's, and that of no account of this machine.
    private static let account = ServerAccount(userID: 54_321, groupID: 54_321)

    private static func makeDirectory() throws -> (ClusterDirectory, victim: String) {
        let data = Scratch.makeDirectory("data")
        let victim = Scratch.makeDirectory("victim")
        try FileManager.default.createDirectory(atPath: victim, withIntermediateDirectories: true)
        #expect(chmod(victim, 0o755) == 0)
        let account = geteuid() == 0 ? Self.account : nil
        return (try ClusterDirectory(dataDirectory: data, account: account), victim)
    }

    private static func status(_ path: String) -> stat {
        var status = stat()
        #expect(lstat(path, &status) == 0)
        return status
    }

    @Test(arguments: ["", "/log", "/run"])
    func aLinkInPlaceOfADirectoryIsRefusedAndItsTargetLeftAlone(_ name: String) throws {
        let (directory, victim) = try Self.makeDirectory()
        if !name.isEmpty { #expect(mkdir(directory.root, 0o700) == 0) }
        #expect(symlink(victim, directory.root + name) == 0)
        let before = Self.status(victim)

        let error = #expect(throws: EmbeddedPostgresError.self) { try directory.prepare() }

        #expect(error?.kind == .directory)
        let after = Self.status(victim)
        #expect(after.st_uid == before.st_uid && after.st_mode == before.st_mode)
    }

    @Test func aLinkInPlaceOfANewClusterIsRefused() throws {
        let (directory, victim) = try Self.makeDirectory()
        try directory.prepare()
        #expect(symlink(victim, directory.unfinishedCluster) == 0)
        let before = Self.status(victim)

        #expect(throws: EmbeddedPostgresError.self) { try directory.makeUnfinishedCluster() }

        #expect(Self.status(victim).st_uid == before.st_uid)
        #expect(Self.status(victim).st_mode == before.st_mode)
    }

    @Test(.enabled(if: geteuid() == 0, "only root gives directories away"))
    func theAccountCanNotReplaceWhatIsInTheRoot() throws {
        let (directory, _) = try Self.makeDirectory()
        // As an account that owned it could have left it.
        #expect(mkdir(directory.root, 0o777) == 0)
        #expect(chown(directory.root, Self.account.userID, Self.account.groupID) == 0)

        try directory.prepare()

        let root = Self.status(directory.root)
        #expect(root.st_uid == 0)
        #expect(root.st_mode & 0o777 == 0o710)
        #expect(Self.status(directory.logs).st_uid == Self.account.userID)
    }

    @Test func aLinkInPlaceOfTheLockIsRefusedAndItsTargetKept() throws {
        let (directory, victim) = try Self.makeDirectory()
        try directory.prepare()
        let file = victim + "/file"
        try Data("precious".utf8).write(to: URL(fileURLWithPath: file))
        #expect(symlink(file, directory.lockFile) == 0)

        let error = #expect(throws: EmbeddedPostgresError.self) { _ = try DirectoryLock(file: directory.lockFile) }

        #expect(error?.kind == .directory)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
    }

    @Test func aLinkInPlaceOfTheStartLogIsNotRead() throws {
        let (directory, victim) = try Self.makeDirectory()
        try directory.prepare()
        try Data("secret".utf8).write(to: URL(fileURLWithPath: victim + "/file"))
        #expect(symlink(victim + "/file", directory.startLog) == 0)

        #expect(!directory.startLogTail().contains("secret"))
    }

    @Test func ofALongFileTheEndIsRead() throws {
        let (_, victim) = try Self.makeDirectory()
        try Data("first last".utf8).write(to: URL(fileURLWithPath: victim + "/file"))

        #expect(try AccountFile.text(victim + "/file", limit: 4) == "last")
        #expect(try AccountFile.text(victim + "/none") == nil)
    }

    @Test func aPipeInPlaceOfAFileKeepsNobodyWaiting() throws {
        let (_, victim) = try Self.makeDirectory()
        #expect(mkfifo(victim + "/pipe", 0o600) == 0)

        #expect(throws: EmbeddedPostgresError.self) { try AccountFile.text(victim + "/pipe") }
    }
}
