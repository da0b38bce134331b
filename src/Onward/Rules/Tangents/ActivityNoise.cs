using Onward.Engine;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// The noise that a forward gradient adds to pre-activations. It is a function of seed, step, pass, layer, image and element,
/// so it does not depend on tiles or threads.
/// </summary>
internal sealed class ActivityNoise
{
    private readonly NoiseDistribution _distribution;
    private readonly ulong _seed;

    /// <summary>Prepares noise for a model.</summary>
    /// <param name="distribution">The distribution of the noise.</param>
    /// <param name="model">The model.</param>
    /// <param name="passes">Directions in each step.</param>
    /// <param name="seed">The seed of all noise of the run.</param>
    /// <exception cref="ArgumentException">The distribution has no set of so many directions.</exception>
    internal ActivityNoise(NoiseDistribution distribution, Network model, int passes, ulong seed)
    {
        _distribution = distribution.ForPasses(passes, [.. model.Blocks.SelectMany(FirstColumns)]);
        _seed = seed;
    }

    /// <summary>Draws the noise of consecutive rows of a layer's output.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="pass">The direction.</param>
    /// <param name="row">The first row.</param>
    /// <param name="noise">Receives the noise of whole rows.</param>
    internal void Draw(BlockTile tile, NetworkLayer layer, int pass, int row, Span<float> noise)
    {
        int patches = layer.Positions, channels = layer.Map.Outputs;
        while (!noise.IsEmpty)
        {
            int patch = row % patches;
            int rows = Math.Min(noise.Length / channels, patches - patch);
            RandomStream stream = new(
                _seed,
                RandomPurpose.Perturbation,
                tile.Step,
                (uint)pass,
                (uint)layer.Index,
                (uint)(tile.FirstImage + ((tile.FirstExample + (row / patches)) % tile.Images)));
            _distribution.Draw(stream, patch * channels, noise[..(rows * channels)]);
            noise = noise[(rows * channels)..];
            row += rows;
        }
    }

    // Orthogonal directions give the numbers that meet in one loss (docs/theory.md) consecutive columns: first the C of the grouped
    // layer, then the C of the channel layer, then the columns of the token layer. So with losses for each patch and group, 2 C passes
    // make the estimate of the first block exact, or C passes layer by layer.
    private static IEnumerable<int> FirstColumns(NetworkBlock block) =>
        block.Layers.Select((_, l) => (block.Layers.Count - 1 - l) * block.ChannelsPerGroup);
}
