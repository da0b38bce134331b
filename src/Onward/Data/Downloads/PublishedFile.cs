using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>A file as its authors published it.</summary>
/// <param name="Name">Name of the file at the mirrors and in the cache.</param>
/// <param name="Length">Number of bytes.</param>
/// <param name="Algorithm">Algorithm of the checksum.</param>
/// <param name="Checksum">Published checksum, in lower-case hexadecimal.</param>
/// <param name="PlainSha256">SHA-256 of the decompressed content of a gzip file; null if unknown.</param>
internal sealed record PublishedFile(string Name, long Length, HashAlgorithmName Algorithm, string Checksum, string? PlainSha256 = null);
