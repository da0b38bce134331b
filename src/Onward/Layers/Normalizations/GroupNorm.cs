using System.Numerics.Tensors;

namespace Onward.Layers;

/// <summary>
/// Normalises each group of channels over all positions of an example, without learned parameters:
/// y = (x - mean) / sqrt(variance + epsilon) (Wu and He 2018). One group of all channels normalises the whole example; a group for each
/// channel is instance normalisation.
/// </summary>
/// <remarks>
/// Noise enters in front of this layer, because it mixes positions. A <see cref="LayerNorm"/> of the same groups normalises each position
/// by itself, and noise enters behind it.
/// </remarks>
public sealed class GroupNorm : ExampleLayer
{
    /// <summary>Creates the layer.</summary>
    /// <param name="groups">Groups of adjacent channels.</param>
    /// <param name="channels">Channels at each position.</param>
    /// <param name="epsilon">Number added to the variance; above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    /// <exception cref="ArgumentException">The channels are not divided by the groups.</exception>
    public GroupNorm(int groups, int channels, float epsilon = LayerNorm.DefaultEpsilon)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(groups, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        LayerNorm.RequireEpsilon(epsilon);
        if (channels % groups != 0)
        {
            throw new ArgumentException($"{channels} channels are not divided by {groups} groups.", nameof(groups));
        }

        (Groups, Channels, Epsilon) = (groups, channels, epsilon);
    }

    /// <summary>Groups of adjacent channels.</summary>
    public int Groups { get; }

    /// <summary>Channels at each position.</summary>
    public int Channels { get; }

    /// <summary>Number added to the variance.</summary>
    public float Epsilon { get; }

    /// <inheritdoc/>
    public override Reach Reach => new(Reach.All, Channels / Groups);

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) => input.Channels == Channels && input.Length > Groups
        ? input
        : throw Refuse(input, $"{Channels} channels, at least two numbers in a group");

    /// <inheritdoc/>
    /// <remarks>The state is the mean and the reciprocal deviation of each channel's group.</remarks>
    public override int StateOf(ExampleShape input) => 2 * Channels;

    /// <inheritdoc/>
    public override int WorkspaceOf(ExampleShape input) => 3 * Channels;

    /// <inheritdoc/>
    public override void Apply(in ExampleValues example, Span<float> output)
    {
        Span<float> mean = example.State[..Channels], scale = example.State[Channels..], row = example.Workspace[..Channels];
        mean.Clear();
        for (int start = 0; start < output.Length; start += Channels)
        {
            TensorPrimitives.Add(mean, example.Input.Slice(start, Channels), mean);
        }

        Average(mean, example.Shape);
        scale.Clear();
        for (int start = 0; start < output.Length; start += Channels)
        {
            TensorPrimitives.Subtract(example.Input.Slice(start, Channels), mean, row);
            TensorPrimitives.MultiplyAdd(row, row, scale, scale);
        }

        Average(scale, example.Shape);
        foreach (ref float value in scale)
        {
            value = 1 / MathF.Sqrt(value + Epsilon);
        }

        for (int start = 0; start < output.Length; start += Channels)
        {
            Normalize(example, start, output.Slice(start, Channels));
        }
    }

    /// <inheritdoc/>
    public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result)
    {
        Span<float> row = example.Workspace[..Channels], mean = example.Workspace.Slice(Channels, Channels);
        Span<float> along = example.Workspace.Slice(2 * Channels, Channels);
        mean.Clear();
        along.Clear();
        for (int start = 0; start < tangent.Length; start += Channels)
        {
            ReadOnlySpan<float> vector = tangent.Slice(start, Channels);
            Normalize(example, start, row);
            TensorPrimitives.Add(mean, vector, mean);
            TensorPrimitives.MultiplyAdd(row, vector, along, along);
        }

        Average(mean, example.Shape);
        Average(along, example.Shape);
        for (int start = 0; start < tangent.Length; start += Channels)
        {
            Span<float> target = result.Slice(start, Channels);
            Normalize(example, start, row);
            TensorPrimitives.MultiplyAdd(row, along, mean, row);
            TensorPrimitives.Subtract(tangent.Slice(start, Channels), row, target);
            TensorPrimitives.Multiply(target, example.State[Channels..], target);
        }
    }

    /// <inheritdoc/>
    /// <remarks>The Jacobian of a group is symmetric.</remarks>
    public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result) =>
        ApplyTangent(example, gradient, result);

    /// <inheritdoc/>
    public override string ToString() => $"GroupNorm({Groups}, {Channels})";

    private void Normalize(in ExampleValues example, int start, Span<float> row)
    {
        TensorPrimitives.Subtract(example.Input.Slice(start, Channels), example.State[..Channels], row);
        TensorPrimitives.Multiply(row, example.State[Channels..], row);
    }

    // Replaces the sums of the channels by the mean over the numbers of their group.
    private void Average(Span<float> sums, ExampleShape shape)
    {
        int size = Channels / Groups;
        for (int first = 0; first < Channels; first += size)
        {
            float sum = 0;
            foreach (float part in sums.Slice(first, size))
            {
                sum += part;
            }

            sums.Slice(first, size).Fill(sum / (shape.Positions * size));
        }
    }
}
