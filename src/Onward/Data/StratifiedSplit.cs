using Onward.Kernels;

namespace Onward.Data;

/// <summary>Two parts of a set of examples, drawn so that each class has the same share in both.</summary>
/// <remarks>
/// Files are often sorted by class, so the first or the last examples of a set may all belong to one class. The draw depends
/// only on the labels, the count and the seed.
/// </remarks>
/// <param name="Rest">The examples that were not drawn, in their original order. [example]</param>
/// <param name="Drawn">The examples that were drawn, in their original order. [example]</param>
public sealed record StratifiedSplit(int[] Rest, int[] Drawn)
{
    private const uint Site = 3; // layer of the random stream; lower numbers draw digits

    /// <summary>Draws examples without repetition. The counts per class are rounded by the largest-remainder method.</summary>
    /// <remarks>No class is drawn completely, unless fewer examples would remain than there are classes.</remarks>
    /// <param name="labels">Class of each example, 0 or above. [example]</param>
    /// <param name="count">Number of examples to draw, 0 to the number of labels.</param>
    /// <param name="seed">Seed of the draw.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count or a label is out of range.</exception>
    public static StratifiedSplit Draw(ReadOnlySpan<int> labels, int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, labels.Length);
        int[] order = new int[labels.Length];
        SortedDictionary<int, int> sizes = []; // by class
        for (int i = 0; i < order.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(labels[i], nameof(labels));
            order[i] = i;
            sizes[labels[i]] = sizes.GetValueOrDefault(labels[i]) + 1;
        }

        CounterSequence random = new(new RandomStream(seed, RandomPurpose.Data, Layer: Site));
        random.Shuffle(order.AsSpan());
        Dictionary<int, int> left = Quotas(sizes, labels.Length, count, random);
        bool[] isDrawn = new bool[labels.Length];
        foreach (int example in order)
        {
            isDrawn[example] = left[labels[example]]-- > 0;
        }

        return new(
            [.. Enumerable.Range(0, isDrawn.Length).Where(example => !isDrawn[example])],
            [.. Enumerable.Range(0, isDrawn.Length).Where(example => isDrawn[example])]);
    }

    // Number of examples to draw from each class. Ties between equal remainders are broken at random.
    private static Dictionary<int, int> Quotas(SortedDictionary<int, int> sizes, int examples, int count, CounterSequence random)
    {
        Dictionary<int, int> quotas = sizes.ToDictionary(size => size.Key, size => (int)((long)count * size.Value / examples));
        int[] classes = [.. sizes.Keys];
        random.Shuffle(classes.AsSpan());
        int[] byRemainder = [.. classes.OrderByDescending(label => (long)count * sizes[label] % examples)];
        int spared = examples - count >= classes.Length ? 1 : 0; // examples that must remain in each class
        int missing = count - quotas.Values.Sum();
        while (missing > 0)
        {
            foreach (int label in byRemainder)
            {
                if (missing > 0 && quotas[label] < sizes[label] - spared)
                {
                    quotas[label]++;
                    missing--;
                }
            }
        }

        return quotas;
    }
}
