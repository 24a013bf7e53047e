// SPDX-License-Identifier: Apache-2.0

/// One numbered step of the schema: a script that can be run again without harm. Never edited after a release.
struct Migration: Sendable {
    let number: Int
    let name: String
    let script: String

    /// Whether it makes a part of schema `storage`, which an adopted database brings along.
    var isSkippedOnAdoption: Bool { name.hasPrefix("storage_") }

    private init(_ number: Int, _ name: String, _ bytes: [UInt8]) {
        self.number = number
        self.name = name
        self.script = String(decoding: bytes, as: UTF8.self)
    }

    /// Makes the list of migrations itself, and decides whether the database is adopted.
    static let bookkeeping = Migration(0, "bookkeeping", PackageResources._000_bookkeeping_sql)

    /// All others, in their order. The files are those of `Migrations/SQL`.
    static let all = [
        Migration(1, "roles", PackageResources._001_roles_sql),
        Migration(2, "storage_tables", PackageResources._002_storage_tables_sql),
        Migration(3, "storage_functions", PackageResources._003_storage_functions_sql),
        Migration(4, "magpie_listing", PackageResources._004_magpie_listing_sql),
        Migration(5, "storage_listing", PackageResources._005_storage_listing_sql),
        Migration(6, "magpie_blobs", PackageResources._006_magpie_blobs_sql),
        Migration(7, "magpie_changes", PackageResources._007_magpie_changes_sql),
        Migration(8, "magpie_uploads", PackageResources._008_magpie_uploads_sql),
        Migration(9, "magpie_versions", PackageResources._009_magpie_versions_sql),
        Migration(10, "magpie_access_keys", PackageResources._010_magpie_access_keys_sql),
        Migration(11, "magpie_parts", PackageResources._011_magpie_parts_sql),
        Migration(12, "magpie_events", PackageResources._012_magpie_events_sql),
        Migration(13, "magpie_part_checksums", PackageResources._013_magpie_part_checksums_sql),
        Migration(14, "magpie_puts", PackageResources._014_magpie_puts_sql),
        Migration(15, "magpie_images", PackageResources._015_magpie_images_sql),
        Migration(16, "magpie_put_groups", PackageResources._016_magpie_put_groups_sql),
        Migration(17, "magpie_jobs", PackageResources._017_magpie_jobs_sql),
        Migration(18, "magpie_projects", PackageResources._018_magpie_projects_sql),
        Migration(19, "magpie_assets", PackageResources._019_magpie_assets_sql),
        Migration(20, "magpie_backends", PackageResources._020_magpie_backends_sql),
        Migration(21, "magpie_accounts", PackageResources._021_magpie_accounts_sql),
        Migration(22, "magpie_moves", PackageResources._022_magpie_moves_sql),
        Migration(23, "magpie_imports", PackageResources._023_magpie_imports_sql),
        Migration(24, "magpie_direct", PackageResources._024_magpie_direct_sql),
        Migration(25, "magpie_files", PackageResources._025_magpie_files_sql),
        Migration(26, "magpie_apps", PackageResources._026_magpie_apps_sql),
    ]

    /// The number that a database of this version has reached.
    static let newest = all.last?.number ?? 0
}
