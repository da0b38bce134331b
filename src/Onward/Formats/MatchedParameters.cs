using Onward.Models;

namespace Onward.Formats;

/// <summary>The parameters of a network that a file sets, because it has a tensor of their name and shape.</summary>
/// <param name="Taken">The parameters that the file sets.</param>
/// <param name="Missing">The other parameters, with the shape of the file's tensor of that name; null if it has none.</param>
/// <param name="Unused">The names of the file's other tensors.</param>
public sealed record MatchedParameters(
    IReadOnlyList<Parameter> Taken,
    IReadOnlyList<(Parameter Parameter, IReadOnlyList<long>? Found)> Missing,
    IReadOnlyList<string> Unused);
