// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import PostgresMetadata

@Suite struct PostgresBinariesTests {
    /// A tree like that of Debian's packages.
    private func makeInstallation(_ versions: [String]) throws -> String {
        let root = Scratch.makeDirectory("installation")
        for version in versions {
            let directory = "\(root)/\(version)/bin"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for name in ["postgres", "initdb"] {
                let isMade = FileManager.default.createFile(
                    atPath: "\(directory)/\(name)", contents: Data(), attributes: [.posixPermissions: 0o755])
                #expect(isMade)
            }
        }
        return root
    }

    @Test func aNewClusterGetsTheNewestVersion() throws {
        let root = try makeInstallation(["9.6", "14", "15", "17", "README"])

        #expect(try PostgresBinaries.find(setting: nil, for: nil, root: root).directory == root + "/17/bin")
    }

    @Test func aClusterGetsTheVersionThatMadeIt() throws {
        let root = try makeInstallation(["15", "17"])

        #expect(try PostgresBinaries.find(setting: nil, for: 15, root: root).directory == root + "/15/bin")
    }

    @Test func aMissingVersionIsNamed() throws {
        let root = try makeInstallation(["17"])

        let error = #expect(throws: EmbeddedPostgresError.self) { try PostgresBinaries.find(setting: nil, for: 15, root: root) }

        #expect(error?.kind == .notInstalled)
        #expect(error?.message.contains("PostgreSQL 15") == true)
    }

    @Test(arguments: [["14"], []])
    func tooOldOrNoneIsAnError(_ versions: [String]) throws {
        let root = try makeInstallation(versions)

        let error = #expect(throws: EmbeddedPostgresError.self) { try PostgresBinaries.find(setting: nil, for: nil, root: root) }

        #expect(error?.kind == .notInstalled)
    }

    @Test func aChosenDirectoryIsCheckedAndNotLeft() throws {
        let root = try makeInstallation(["15"])

        #expect(try PostgresBinaries.find(setting: root + "/15/bin", for: nil, root: root).directory == root + "/15/bin")
        #expect(throws: EmbeddedPostgresError.self) { try PostgresBinaries.find(setting: root, for: nil, root: root) }
    }
}
