using System.Numerics;
using Onward.Kernels;

namespace Onward.Data;

/// <summary>A 28x28 sheet with ink: strokes with soft edges, specks, erased spots and grain.</summary>
internal readonly ref struct DigitCanvas(Span<float> ink, float softness)
{
    private const int Side = ProceduralDigits.Side;
    private const int MaximumSpecks = 3;

    private readonly Span<float> _ink = ink;
    private readonly float _softness = softness;

    /// <summary>Draws a segment of a stroke between two points. Each point is (x, y, pen radius), in pixels.</summary>
    public void Stroke(Vector3 from, Vector3 to)
    {
        float reach = MathF.Max(from.Z, to.Z) + (0.5f * _softness);
        (int left, int right) = Range(MathF.Min(from.X, to.X) - reach, MathF.Max(from.X, to.X) + reach);
        (int top, int bottom) = Range(MathF.Min(from.Y, to.Y) - reach, MathF.Max(from.Y, to.Y) + reach);
        Vector3 along = to - from;
        float inverse = 1 / MathF.Max((along.X * along.X) + (along.Y * along.Y), 1e-6f);
        float sharpness = 1 / _softness;
        for (int row = top; row < bottom; row++)
        {
            Span<float> line = _ink.Slice(row * Side, Side);
            float y = row + 0.5f - from.Y;
            for (int column = left; column < right; column++)
            {
                float x = column + 0.5f - from.X;
                float t = Math.Clamp(((x * along.X) + (y * along.Y)) * inverse, 0, 1);
                float dx = x - (t * along.X);
                float dy = y - (t * along.Y);
                float inside = from.Z + (t * along.Z) - MathF.Sqrt((dx * dx) + (dy * dy));
                line[column] = MathF.Max(line[column], MathF.Min(1, (inside * sharpness) + 0.5f));
            }
        }
    }

    /// <summary>Adds up to three specks of ink and, with probability 0.4, erases a small spot.</summary>
    public void Soil(CounterSequence random)
    {
        if (random.NextSingle() < 0.4f)
        {
            Erase(random);
        }

        int specks = random.NextInt32(MaximumSpecks + 1);
        for (int i = 0; i < specks; i++)
        {
            var speck = new Vector3(random.NextSingle(0, Side), random.NextSingle(0, Side), random.NextSingle(0.2f, 0.8f));
            Stroke(speck, speck);
        }
    }

    /// <summary>
    /// Converts the ink to bytes, scaled by an intensity, and adds grain with a standard deviation given as a fraction of 255.
    /// </summary>
    public void Develop(float intensity, float deviation, ReadOnlySpan<float> normals, Span<byte> pixels)
    {
        for (int i = 0; i < pixels.Length; i++)
        {
            float value = 255 * ((intensity * _ink[i]) + (deviation * normals[i]));
            pixels[i] = (byte)Math.Clamp(value + 0.5f, 0, 255);
        }
    }

    private void Erase(CounterSequence random)
    {
        float centerX = random.NextSingle(6, Side - 6);
        float centerY = random.NextSingle(4, Side - 4);
        float radius = random.NextSingle(0.8f, 2.4f);
        (int left, int right) = Range(centerX - radius, centerX + radius);
        (int top, int bottom) = Range(centerY - radius, centerY + radius);
        for (int row = top; row < bottom; row++)
        {
            for (int column = left; column < right; column++)
            {
                float x = column + 0.5f - centerX;
                float y = row + 0.5f - centerY;
                if ((x * x) + (y * y) < radius * radius)
                {
                    _ink[(row * Side) + column] *= 0.2f;
                }
            }
        }
    }

    /// <summary>The pixels that may lie between two positions, as a half-open range inside the sheet.</summary>
    private static (int Start, int End) Range(float low, float high) =>
        (Math.Clamp((int)MathF.Floor(low), 0, Side), Math.Clamp((int)MathF.Ceiling(high), 0, Side));
}
