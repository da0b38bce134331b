using System.Security.Cryptography;

namespace Onward.Data;

/// <summary>A file as its authors publish it.</summary>
/// <param name="Name">Name at the mirrors, and in the cache.</param>
/// <param name="Length">Bytes; null where only the checksum is known.</param>
/// <param name="Algorithm">What the checksum was taken with.</param>
/// <param name="Checksum">In lower-case hexadecimal.</param>
internal sealed record PublishedFile(string Name, long? Length, HashAlgorithmName Algorithm, string Checksum);
