using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>A file as its authors publish it.</summary>
/// <param name="Name">Name at the mirrors, and in the cache.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Algorithm">What the checksum was taken with.</param>
/// <param name="Checksum">In lower-case hexadecimal.</param>
/// <param name="PlainSha256">SHA-256 of the content unpacked, for a gzip file; null where it is not known.</param>
internal sealed record PublishedFile(string Name, long Length, HashAlgorithmName Algorithm, string Checksum, string? PlainSha256 = null);
