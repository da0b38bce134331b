namespace Onward.Fuzz;

/// <summary>Mutates the content of a file.</summary>
/// <param name="content">The content, which must not be changed in place.</param>
/// <param name="donor">Another file of the reader, to take parts from.</param>
/// <param name="draw">Source of random choices.</param>
internal delegate byte[] Mutation(byte[] content, byte[] donor, Draw draw);

/// <summary>A valid file and its mutation.</summary>
/// <param name="Name">Path of the file in its folder.</param>
/// <param name="Content">The bytes of the file.</param>
/// <param name="Mutate">Mutates the content; null for a file that must exist but is not mutated.</param>
internal sealed record SeedFile(string Name, byte[] Content, Mutation? Mutate);

/// <summary>A reader under test.</summary>
/// <param name="Name">Name of the reader on the command line.</param>
/// <param name="Share">Weight of the reader in the distribution of inputs over all readers.</param>
/// <param name="Seeds">Valid folders, each a list of files that belong together.</param>
/// <param name="Read">Reads a mutated file, given the paths of its folder and of the file. Returns null on success, or the one-line
/// message with which the reader rejects it. Any exception is a failure; <see cref="InconsistentException"/> reports impossible
/// values.</param>
internal sealed record Reader(
    string Name, int Share, IReadOnlyList<IReadOnlyList<SeedFile>> Seeds, Func<string, string, string?> Read)
{
    /// <summary>Number of bytes that may be allocated for any input, however small. Default 64 MB.</summary>
    internal long Allocation { get; init; } = 64 << 20;

    /// <summary>True if an error message may name an option instead of the file.</summary>
    internal bool NamesOptions { get; init; }

    /// <summary>Creates an input: a mutated file of one of the seeds.</summary>
    internal Input MakeInput(ulong seed, long index)
    {
        Draw draw = new(Name, seed, index);
        int chosen = draw.Below(Seeds.Count);
        SeedFile file = draw.Pick([.. Seeds[chosen].Where(file => file.Mutate is not null)]);
        byte[] donor = draw.Pick(draw.Pick(Seeds)).Content;
        return new Input(chosen, file, file.Mutate!(file.Content, donor, draw));
    }

    /// <summary>A mutated file.</summary>
    /// <param name="Seed">Index of its seed folder.</param>
    /// <param name="File">The original file.</param>
    /// <param name="Content">The mutated content.</param>
    internal sealed record Input(int Seed, SeedFile File, byte[] Content);
}

/// <summary>A reader accepted an input, but the result is impossible.</summary>
internal sealed class InconsistentException(string message) : Exception(message);
