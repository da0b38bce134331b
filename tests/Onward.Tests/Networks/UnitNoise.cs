using Onward.Kernels;

namespace Onward.Tests.Networks;

/// <summary>
/// Noise that is 1 at the number that the step names, in one layer and in every example at once, since examples have losses of their own.
/// For noise on weights, an example of 0 restricts it to the weight, and an example of 1 to the bias.
/// </summary>
internal sealed class UnitNoise(int layer, int example = -1) : NoiseDistribution
{
    public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
    {
        noise.Clear();
        int element = (int)stream.Step - firstElement;
        if (stream.Layer == layer && (example < 0 || stream.Example == example) && element >= 0 && element < noise.Length)
        {
            noise[element] = 1;
        }
    }
}
