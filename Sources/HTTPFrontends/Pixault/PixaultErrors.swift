// SPDX-License-Identifier: Apache-2.0

/// An error as this dialect says it.
typealias PixaultProblem = ProblemDetails
