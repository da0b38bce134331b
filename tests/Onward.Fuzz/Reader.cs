namespace Onward.Fuzz;

/// <summary>Changes the content of a file.</summary>
/// <param name="content">The content, which stays as it is.</param>
/// <param name="donor">Another file of the reader, to take parts from.</param>
/// <param name="draw">Chooses.</param>
internal delegate byte[] Mutation(byte[] content, byte[] donor, Draw draw);

/// <summary>A valid file and how it is changed.</summary>
/// <param name="Name">Its path in its folder.</param>
/// <param name="Content">Its bytes.</param>
/// <param name="Mutate">Changes it; null for a file that only has to be there.</param>
internal sealed record SeedFile(string Name, byte[] Content, Mutation? Mutate);

/// <summary>A reader under test.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Share">Its part of all inputs, beside the shares of the others.</param>
/// <param name="Seeds">Valid folders, each the files that belong together.</param>
/// <param name="Read">
/// Reads the file of a folder that was changed, by both their paths: null where it reads well, or the one line in which the reader
/// refuses it. Whatever else it throws is a failure, as is a <see cref="InconsistentException"/> for values that cannot be.
/// </param>
internal sealed record Reader(string Name, int Share, IReadOnlyList<IReadOnlyList<SeedFile>> Seeds, Func<string, string, string?> Read)
{
    /// <summary>Bytes that may be allocated whatever the size of an input; default 64 MB.</summary>
    internal long Allocation { get; init; } = 64 << 20;

    /// <summary>Whether a refusal may name an option in place of the file.</summary>
    internal bool NamesOptions { get; init; }

    /// <summary>Makes an input: a changed file of one of the seeds.</summary>
    internal Input MakeInput(ulong seed, long index)
    {
        Draw draw = new(Name, seed, index);
        int chosen = draw.Below(Seeds.Count);
        SeedFile file = draw.Pick([.. Seeds[chosen].Where(file => file.Mutate is not null)]);
        byte[] donor = draw.Pick(draw.Pick(Seeds)).Content;
        return new Input(chosen, file, file.Mutate!(file.Content, donor, draw));
    }

    /// <summary>A changed file.</summary>
    /// <param name="Seed">The number of its folder.</param>
    /// <param name="File">What it was.</param>
    /// <param name="Content">What it is.</param>
    internal sealed record Input(int Seed, SeedFile File, byte[] Content);
}

/// <summary>A reader accepted an input, and what it read cannot be.</summary>
internal sealed class InconsistentException(string message) : Exception(message);
