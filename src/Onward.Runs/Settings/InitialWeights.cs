namespace Onward.Runs;

/// <summary>A file whose tensors are the initial weights of a run, as far as names and shapes match.</summary>
/// <param name="Path">The full path of the file.</param>
/// <param name="Checksum">The checksum of its bytes, so that a run begins with the same weights again.</param>
internal sealed record InitialWeights(string Path, string Checksum);
